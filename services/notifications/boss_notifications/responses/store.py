"""Tables and SQL of the response table and of what providers reported."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from boss_notifications.contact_rules.store import EVERY_ENTERPRISE
from boss_notifications.responses.rules import UNKNOWN_MESSAGE, ResponseRule, ResponseTable, table_of

METADATA = sa.MetaData()
_TIME = sa.DateTime(timezone=True)

response_rule = sa.Table(
    "response_rule",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("response", sa.Text, nullable=False),
    sa.Column("response_detail", sa.Text, nullable=False),
    sa.Column("include_in_activity", sa.Boolean, nullable=False),
    sa.Column("completed", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("retry", sa.Boolean, nullable=False),
    sa.Column("show_in_ui", sa.Boolean, nullable=False),
    sa.Column("mark_invalid", sa.Boolean, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)

provider_response = sa.Table(
    "provider_response",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid),
    sa.Column("response_id", sa.Text, primary_key=True),
    sa.Column("provider_message_id", sa.Text, nullable=False),
    sa.Column("notification_id", PgUuid),
    sa.Column("response", sa.Text, nullable=False),
    sa.Column("response_detail", sa.Text, nullable=False),
    sa.Column("response_time", _TIME, nullable=False),
    sa.Column("result_date", sa.Date),
    sa.Column("rule_number", sa.Integer),
    sa.Column("unmatched_reason", sa.Text, nullable=False),
    sa.Column("create_time", _TIME, nullable=False),
    comment="What providers reported, once each; never changed but for the message it belongs to.",
)
R = provider_response.c

invalidated_contact = sa.Table(
    "invalidated_contact",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("contact", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
)


def load_table(connection: sa.Connection, enterprise_id: UUID) -> ResponseTable:
    """Give the enterprise's own response table, else everybody's."""
    rows = connection.execute(
        sa.select(response_rule).where(response_rule.c.enterprise_id.in_([enterprise_id, EVERY_ENTERPRISE]))
    ).all()
    own = [row for row in rows if row.enterprise_id == enterprise_id]
    return table_of(_rule(row) for row in own or rows)


def add_new(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Keep responses; give the ids of those that weren't there."""
    ordered = sorted(rows, key=lambda row: str(row["response_id"]))
    statement = insert(provider_response).values(ordered).on_conflict_do_nothing().returning(R.response_id)
    return set(connection.scalars(statement))


def assign(connection: sa.Connection, enterprise_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what responses turned out to belong to and mean; each row has `b_` names."""
    if not rows:
        return
    connection.execute(
        sa.update(provider_response)
        .where(R.enterprise_id == enterprise_id, R.response_id == sa.bindparam("b_response_id"))
        .values(
            notification_id=sa.bindparam("b_notification_id"),
            business_unit_id=sa.bindparam("b_business_unit_id"),
            rule_number=sa.bindparam("b_rule_number"),
            result_date=sa.bindparam("b_result_date"),
            unmatched_reason=sa.bindparam("b_unmatched_reason"),
        ),
        list(rows),
    )


def orphans(connection: sa.Connection, enterprise_id: UUID, message_ids: Sequence[str]) -> "Sequence[sa.Row[Any]]":
    """Give the responses to messages that weren't known when they came."""
    wanted = sa.any_(sa.literal(list(message_ids), ARRAY(sa.Text)))
    return connection.execute(
        sa.select(provider_response)
        .where(
            R.enterprise_id == enterprise_id,
            R.notification_id.is_(None),
            R.unmatched_reason == UNKNOWN_MESSAGE,
            R.provider_message_id == wanted,
        )
        .with_for_update()
    ).all()


def add_invalidated(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note contacts that a result invalidated; each counts once."""
    connection.execute(insert(invalidated_contact).on_conflict_do_nothing(), list(rows))


def unmatched_after(
    connection: sa.Connection, enterprise_id: UUID, after: tuple[datetime, str] | None, limit: int
) -> "Sequence[sa.Row[Any]]":
    """Give a page of the responses that match no message or no row, oldest first."""
    statement = sa.select(provider_response).where(R.enterprise_id == enterprise_id, R.unmatched_reason != "")
    if after is not None:
        statement = statement.where(sa.tuple_(R.create_time, R.response_id) > sa.tuple_(*map(sa.literal, after)))
    return connection.execute(statement.order_by(R.create_time, R.response_id).limit(limit)).all()


def _rule(row: "sa.Row[Any]") -> ResponseRule:
    return ResponseRule(**{name: getattr(row, name) for name in ResponseRule.__dataclass_fields__})
