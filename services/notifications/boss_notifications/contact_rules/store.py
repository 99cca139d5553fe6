"""Tables and SQL of what contact depends on: members, units, calls, the jurisdiction's profile."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from boss_notifications.contact_rules.rules import Profile

METADATA = sa.MetaData()
_TIME = sa.DateTime(timezone=True)
EVERY_ENTERPRISE = UUID(int=0)
PROFILE_DEFAULT = "us"
# Two days more than the longest rule asks for: a calendar day of another zone may begin that much earlier.
MARGIN_DAYS = 2

business_unit = sa.Table(
    "business_unit",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("id", PgUuid, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
)
member = sa.Table(
    "member",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("id", PgUuid, primary_key=True),
    sa.Column("account_id", PgUuid),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("do_not_call", sa.Boolean, nullable=False),
    sa.Column("email_opt_out", sa.Boolean, nullable=False, server_default=sa.false()),
)
call_attempt = sa.Table(
    "call_attempt",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("notification_id", PgUuid, primary_key=True),
    sa.Column("account_id", PgUuid, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("attempt_time", _TIME, nullable=False),
)
conversation = sa.Table(
    "conversation",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("notification_id", PgUuid, primary_key=True),
    sa.Column("account_id", PgUuid, nullable=False),
    sa.Column("conversation_time", _TIME, nullable=False),
)
contact_profile = sa.Table(
    "contact_profile",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("first_hour", sa.Integer, nullable=False),
    sa.Column("last_hour", sa.Integer, nullable=False),
    sa.Column("quiet_channels", ARRAY(sa.Text), nullable=False),
    sa.Column("call_attempts_max", sa.Integer, nullable=False),
    sa.Column("window_days", sa.Integer, nullable=False),
    sa.Column("conversation_days", sa.Integer, nullable=False),
)


@dataclass
class Calls:
    """The calls that may count for a page: by account, and by number; a page adds its own as it goes."""

    attempts: dict[UUID, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    conversations: dict[UUID, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    by_number: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def add(self, account_id: UUID, number: str, at: datetime) -> None:
        """Count one attempt."""
        self.attempts[account_id].append(at)
        self.by_number[number].append(at)


def save_units(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the newest state of business units."""
    _save(connection, business_unit, rows)


def save_members(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the newest state of members."""
    _save(connection, member, rows)


def unit_zones(connection: sa.Connection, enterprise_id: UUID, unit_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Give the zones of business units."""
    wanted = sa.any_(sa.literal(list(set(unit_ids)), ARRAY(PgUuid)))
    unit = business_unit.c
    rows = connection.execute(
        sa.select(unit.id, unit.time_zone).where(unit.enterprise_id == enterprise_id, unit.id == wanted)
    )
    return {row.id: row.time_zone for row in rows}


def load_profile(connection: sa.Connection, enterprise_id: UUID, day: date) -> Profile:
    """Give the enterprise's own profile of that day, else everybody's."""
    row = connection.execute(
        sa.select(contact_profile)
        .where(
            contact_profile.c.enterprise_id.in_([enterprise_id, EVERY_ENTERPRISE]),
            contact_profile.c.name == PROFILE_DEFAULT,
            contact_profile.c.start_date <= day,
        )
        .order_by((contact_profile.c.enterprise_id == enterprise_id).desc(), contact_profile.c.version.desc())
        .limit(1)
    ).one()
    values = {name: getattr(row, name) for name in Profile.__dataclass_fields__}
    return Profile(**{**values, "quiet_channels": tuple(row.quiet_channels)})


def load_calls(
    connection: sa.Connection,
    profile: Profile,
    enterprise_id: UUID,
    account_ids: Sequence[UUID],
    numbers: Sequence[str],
    now: datetime,
) -> Calls:
    """Give the calls that may count for these accounts and numbers; the caller holds the accounts' locks."""
    since = now - timedelta(days=max(profile.window_days, profile.conversation_days) + MARGIN_DAYS)
    accounts = sa.any_(sa.literal(sorted(set(account_ids)), ARRAY(PgUuid)))
    wanted = sa.any_(sa.literal(sorted(set(numbers)), ARRAY(sa.Text)))
    calls = Calls()
    a, c = call_attempt.c, conversation.c
    rows = connection.execute(
        sa.select(a.account_id, a.attempt_time).where(
            a.enterprise_id == enterprise_id, a.account_id == accounts, a.attempt_time >= since
        )
    )
    for row in rows:
        calls.attempts[row.account_id].append(row.attempt_time)
    rows = connection.execute(
        sa.select(a.number, a.attempt_time).where(
            a.enterprise_id == enterprise_id, a.number == wanted, a.attempt_time >= now - timedelta(days=MARGIN_DAYS)
        )
    )
    for row in rows:
        calls.by_number[row.number].append(row.attempt_time)
    rows = connection.execute(
        sa.select(c.account_id, c.conversation_time).where(
            c.enterprise_id == enterprise_id, c.account_id == accounts, c.conversation_time >= since
        )
    )
    for row in rows:
        calls.conversations[row.account_id].append(row.conversation_time)
    return calls


def lock_numbers(connection: sa.Connection, enterprise_id: UUID, numbers: Sequence[str]) -> None:
    """Let only one transaction at a time decide about a number: two accounts may share it."""
    keys = sorted({f"{enterprise_id}/{number}" for number in numbers})
    # The rows come in the array's order, so that two transactions lock shared numbers in one order.
    key = sa.func.unnest(sa.literal(keys, ARRAY(sa.Text))).column_valued("key")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))


def add_attempts(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write call attempts, in the transaction that counted them (SPEC NOT-4)."""
    if rows:
        connection.execute(insert(call_attempt).on_conflict_do_nothing(), list(rows))


def drop_attempts(connection: sa.Connection, enterprise_id: UUID, intent_ids: Sequence[UUID]) -> None:
    """Forget attempts that the provider never got."""
    wanted = sa.any_(sa.literal(list(intent_ids), ARRAY(PgUuid)))
    connection.execute(
        sa.delete(call_attempt).where(
            call_attempt.c.enterprise_id == enterprise_id, call_attempt.c.notification_id == wanted
        )
    )


def add_conversations(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write conversations; a repeat changes nothing."""
    if rows:
        connection.execute(insert(conversation).on_conflict_do_nothing(), list(rows))


def _save(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    # One array for each column: a page is one statement, however many rows it has.
    arrays = [sa.func.unnest(sa.bindparam(column.name, type_=ARRAY(column.type))) for column in table.c]
    statement = insert(table).from_select([column.name for column in table.c], sa.select(*arrays))
    keys = {"enterprise_id", "id"}
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    values = {column.name: [row[column.name] for row in rows] for column in table.c}
    connection.execute(statement.on_conflict_do_update(index_elements=sorted(keys), set_=changed), values)
