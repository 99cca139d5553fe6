"""The tables that every service's database has, whatever the service is for (DESIGN 3)."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, UUID

KIT = sa.MetaData()

_NOW = sa.text("now()")


def _created() -> "sa.Column[object]":
    return sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=_NOW)


outbox = sa.Table(
    "outbox",
    KIT,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("enterprise_id", UUID),
    sa.Column("partition", sa.SmallInteger, nullable=False),
    # None: one event without its frame, as the release before wrote it.
    sa.Column("events", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    comment="Events of committed transactions that no broker has confirmed yet; insert and delete only.",
)

published_events = sa.Table(
    "published_events",
    KIT,
    sa.Column("partition", sa.SmallInteger, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
    comment="How many events left the outbox, by partition; changed in the transaction that deletes them.",
)

inbox = sa.Table(
    "inbox",
    KIT,
    sa.Column("producer", sa.Text, nullable=False),
    sa.Column("event_id", UUID, nullable=False),
    sa.Column("enterprise_id", UUID),
    _created(),
    # The id first: it tells rows apart without asking a collation.
    sa.PrimaryKeyConstraint("event_id", "producer"),
    comment="Events this service has seen; written in the transaction of their effect.",
)

processed_events = sa.Table(
    "processed_events",
    KIT,
    sa.Column("producer", sa.Text, primary_key=True),
    sa.Column("partition", sa.SmallInteger, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
    comment="How many different events were processed or parked; changed with the inbox.",
)

seen_version = sa.Table(
    "seen_version",
    KIT,
    sa.Column("enterprise_id", UUID, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    comment="The newest version seen of each state, so that an older one is skipped.",
)

parked_event = sa.Table(
    "parked_event",
    KIT,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("enterprise_id", UUID),
    sa.Column("producer", sa.Text, nullable=False),
    sa.Column("partition", sa.SmallInteger, nullable=False),
    sa.Column("event_id", UUID, nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("key", UUID, nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    _created(),
    comment="Events that failed for good, and those behind them of the same key, until a person replays or drops them.",
)

delivery = sa.Table(
    "delivery",
    KIT,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("producer", sa.Text, nullable=False),
    sa.Column("partition", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    comment="The local bus: batches waiting for this service where no broker is used.",
)

request = sa.Table(
    "request",
    KIT,
    sa.Column("enterprise_id", UUID, primary_key=True),
    sa.Column("method", sa.Text, primary_key=True),
    sa.Column("request_id", UUID, primary_key=True),
    sa.Column("request_hash", sa.LargeBinary, nullable=False),
    sa.Column("response", sa.LargeBinary),
    _created(),
    comment="Commands by request id and what was answered; kept 30 days.",
)

task = sa.Table(
    "task",
    KIT,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("enterprise_id", UUID, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("args", JSONB, nullable=False),
    sa.Column("business_date", sa.Date),
    sa.Column("state", sa.Text, nullable=False, server_default="pending"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_time", sa.DateTime(timezone=True), nullable=False, server_default=_NOW),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("correlation", sa.Text, nullable=False, server_default=""),
    sa.Column("traceparent", sa.Text, nullable=False, server_default=""),
    _created(),
    sa.UniqueConstraint("enterprise_id", "name", "key"),
    sa.Index("task_pending", "next_attempt_time", postgresql_where=sa.text("state = 'pending'")),
    sa.Index("task_failed", "id", postgresql_where=sa.text("state = 'failed'")),
    comment="Durable work of the run processes.",
)

test_clock = sa.Table(
    "test_clock",
    KIT,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("now", sa.DateTime(timezone=True), nullable=False),
    comment="One row where the installation's time is driven by hand; empty elsewhere.",
)


def create_kit_tables(connection: sa.Connection) -> None:
    """Make the kit's tables: the first migration of every service."""
    KIT.create_all(connection)
    # What stays for milliseconds costs more to make smaller than to write.
    connection.execute(sa.text("ALTER TABLE delivery ALTER body SET STORAGE EXTERNAL"))
    connection.execute(sa.text("ALTER TABLE outbox ALTER body SET STORAGE EXTERNAL"))


def let_outbox_rows_hold_many_events(connection: sa.Connection) -> None:
    """Let a row of an older database's outbox hold many events; its own rows and their writers still fit."""
    if not any(column["name"] == "event_id" for column in sa.inspect(connection).get_columns(outbox.name)):
        return
    connection.execute(sa.text("ALTER TABLE outbox ADD COLUMN events smallint NOT NULL DEFAULT 0"))
    connection.execute(sa.text("ALTER TABLE outbox ALTER event_id DROP NOT NULL"))
    connection.execute(sa.text("ALTER TABLE outbox ALTER body SET STORAGE EXTERNAL"))
