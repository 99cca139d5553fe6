"""Tables and SQL of check-ins and redemptions, what they took, and what a unit does with people of a status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_agreements.activities.rules import Activity
from boss_agreements.activities.store import UNITS

TABLES = sa.MetaData()

activity_use = sa.Table(
    "activity_use",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("check_in_id", PG_UUID, primary_key=True),
    sa.Column("activity_id", PG_UUID, primary_key=True),
    sa.Column("units", UNITS, nullable=False),
    comment="What a check-in or redemption took of which activity.",
)

check_in = sa.Table(
    "check_in",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("member_id", PG_UUID, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("units", UNITS, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("activity_id", PG_UUID),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Index("check_in_of_member", "enterprise_id", "member_id", "create_time"),
    sa.Index("check_in_of_unit", "enterprise_id", "business_unit_id", "create_time"),
    comment="Every check-in and redemption that was asked for, the denied ones with their reason.",
)

check_in_action = sa.Table(
    "check_in_action",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("status", sa.Text, primary_key=True),
    sa.Column("action", sa.Text, nullable=False),
    comment="What a business unit does with people of a status who check in; None where there is no row.",
)


@dataclass(frozen=True)
class CheckIn:
    """A check-in or redemption as it was answered."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    kind: str
    item: str
    units: Decimal
    business_date: date
    outcome: str
    reason: str
    text: str
    activity_id: UUID | None
    entered_by: str
    create_time: datetime


_COLUMNS = [column.name for column in check_in.columns]


def add(connection: sa.Connection, new: CheckIn, taken: Sequence[tuple[Activity, Decimal]]) -> None:
    """Add a check-in or redemption with what it took."""
    connection.execute(sa.insert(check_in).values({name: getattr(new, name) for name in _COLUMNS}))
    if taken:
        connection.execute(
            sa.insert(activity_use),
            [
                {"enterprise_id": new.enterprise_id, "check_in_id": new.id, "activity_id": one.id, "units": units}
                for one, units in taken
            ],
        )


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    member_id: UUID | None,
    outcome: str,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[CheckIn]:
    """Read check-ins and redemptions, newest first."""
    query = sa.select(check_in).where(check_in.c.enterprise_id == enterprise_id, check_in.c.business_unit_id == unit_id)
    if member_id is not None:
        query = query.where(check_in.c.member_id == member_id)
    if outcome:
        query = query.where(check_in.c.outcome == outcome)
    if before is not None:
        query = query.where(sa.tuple_(check_in.c.create_time, check_in.c.id) < sa.tuple_(*before))
    rows = connection.execute(query.order_by(check_in.c.create_time.desc(), check_in.c.id.desc()).limit(limit))
    return [CheckIn(**{name: getattr(row, name) for name in _COLUMNS}) for row in rows]


def save_action(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, status: str, action: str) -> None:
    """Write what a unit does with people of a status."""
    values = {"enterprise_id": enterprise_id, "business_unit_id": unit_id, "status": status, "action": action}
    statement = insert(check_in_action).values(values)
    key = [column.name for column in check_in_action.primary_key]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_={"action": action}))


def actions_of(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> Mapping[str, str]:
    """Read what a unit does with people who check in, by status."""
    query = sa.select(check_in_action.c.status, check_in_action.c.action).where(
        check_in_action.c.enterprise_id == enterprise_id, check_in_action.c.business_unit_id == unit_id
    )
    return {row.status: row.action for row in connection.execute(query.order_by(check_in_action.c.status))}
