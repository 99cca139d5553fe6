"""Tables and SQL of suspensions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.suspensions.rules import PENDING, RESCINDED, RUNNING, Window, union

TABLES = sa.MetaData()

suspension = sa.Table(
    "suspension",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("agreement_id", PG_UUID, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("comments", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("stop_billing", sa.Boolean, nullable=False),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Index("suspension_agreement", "enterprise_id", "agreement_id"),
    sa.Index(
        "suspension_open", "enterprise_id", "start_date", postgresql_where=sa.text("status IN ('pending', 'active')")
    ),
)


@dataclass(frozen=True)
class Suspension:
    """A suspension as it is stored."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    account_id: UUID
    type: str
    reason: str
    comments: str
    status: str
    start_date: date
    end_date: date | None
    stop_billing: bool
    entered_by: str
    create_time: datetime

    @property
    def window(self) -> Window:
        """Its suspended days."""
        return Window(self.start_date, self.end_date)


# Active ones first (SPEC SUS-3), then those to come, then the past.
_RANK = sa.case({RUNNING: 0, PENDING: 1}, value=suspension.c.status, else_=2)


def add(connection: sa.Connection, new: Suspension) -> None:
    """Add a suspension."""
    connection.execute(
        sa.insert(suspension).values({column.name: getattr(new, column.name) for column in suspension.columns})
    )


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, suspension_id: UUID) -> Suspension | None:
    """Read a suspension of a unit."""
    query = _suspensions(enterprise_id).where(
        suspension.c.business_unit_id == unit_id, suspension.c.id == suspension_id
    )
    row = connection.execute(query).one_or_none()
    return _read(row) if row else None


def of_agreement(connection: sa.Connection, enterprise_id: UUID, agreement_id: UUID) -> Sequence[Suspension]:
    """Read an agreement's suspensions."""
    query = _suspensions(enterprise_id).where(suspension.c.agreement_id == agreement_id)
    return [_read(row) for row in connection.execute(query.order_by(suspension.c.start_date, suspension.c.id))]


def due_on(connection: sa.Connection, enterprise_id: UUID, day: date, limit: int) -> Sequence[Suspension]:
    """Find suspensions that begin or end by a day and haven't yet, oldest first."""
    begins = sa.and_(suspension.c.status == PENDING, suspension.c.start_date <= day)
    ends = sa.and_(suspension.c.status == RUNNING, suspension.c.end_date <= day)
    query = _suspensions(enterprise_id).where(sa.text("status IN ('pending', 'active')"), sa.or_(begins, ends))
    return [
        _read(row) for row in connection.execute(query.order_by(suspension.c.start_date, suspension.c.id).limit(limit))
    ]


def save(connection: sa.Connection, changed: Sequence[Suspension]) -> None:
    """Write status and end."""
    if changed:
        connection.execute(
            sa.update(suspension)
            .where(suspension.c.enterprise_id == sa.bindparam("e"), suspension.c.id == sa.bindparam("s"))
            .values(status=sa.bindparam("new_status"), end_date=sa.bindparam("new_end")),
            [
                {"e": one.enterprise_id, "s": one.id, "new_status": one.status, "new_end": one.end_date}
                for one in changed
            ],
        )


def windows_of(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]
) -> Mapping[UUID, Sequence[Window]]:
    """Read the joined windows that stop billing, by agreement; those rescinded count for nothing."""
    query = sa.select(suspension.c.agreement_id, suspension.c.start_date, suspension.c.end_date).where(
        suspension.c.enterprise_id == enterprise_id,
        suspension.c.agreement_id == sa.any_(sa.cast(list(agreement_ids), ARRAY(PG_UUID))),
        suspension.c.status != RESCINDED,
        suspension.c.stop_billing,
    )
    found: dict[UUID, list[Window]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.agreement_id].append(Window(row.start_date, row.end_date))
    return {agreement_id: union(windows) for agreement_id, windows in found.items()}


def active_types(
    connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]
) -> Mapping[UUID, frozenset[str]]:
    """Read which types of suspension run now, by agreement."""
    query = sa.select(suspension.c.agreement_id, suspension.c.type).where(
        suspension.c.enterprise_id == enterprise_id,
        suspension.c.agreement_id == sa.any_(sa.cast(list(agreement_ids), ARRAY(PG_UUID))),
        suspension.c.status == RUNNING,
    )
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in connection.execute(query):
        found[row.agreement_id].add(row.type)
    return {agreement_id: frozenset(types) for agreement_id, types in found.items()}


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID | None,
    agreement_id: UUID | None,
    after: tuple[int, date, UUID] | None,
    limit: int,
) -> Sequence[Suspension]:
    """Read suspensions, active ones first."""
    query = _suspensions(enterprise_id)
    if unit_id is not None:
        query = query.where(suspension.c.business_unit_id == unit_id)
    if agreement_id is not None:
        query = query.where(suspension.c.agreement_id == agreement_id)
    if after is not None:
        query = query.where(sa.tuple_(_RANK, suspension.c.start_date, suspension.c.id) > sa.tuple_(*after))
    return [
        _read(row)
        for row in connection.execute(query.order_by(_RANK, suspension.c.start_date, suspension.c.id).limit(limit))
    ]


def rank(status: str) -> int:
    """Tell where a status stands in the lists."""
    return {RUNNING: 0, PENDING: 1}.get(status, 2)


def _suspensions(enterprise_id: UUID) -> "sa.Select[Any]":
    return sa.select(suspension).where(suspension.c.enterprise_id == enterprise_id)


def _read(row: "sa.Row[Any]") -> Suspension:
    return Suspension(**{column.name: getattr(row, column.name) for column in suspension.columns})
