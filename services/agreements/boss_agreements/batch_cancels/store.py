"""Tables and SQL of batch cancels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import LIVE_STATUSES
from boss_agreements.agreements.tables import agreement
from boss_agreements.batch_cancels.rules import INCLUDED, Criteria

TABLES = sa.MetaData()

batch_cancel = sa.Table(
    "batch_cancel",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason_id", PG_UUID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("days_past_due", sa.Integer, nullable=False),
    sa.Column("minimum_minor", sa.BigInteger, nullable=False),
    sa.Column("paid_from", sa.Date),
    sa.Column("paid_to", sa.Date),
    sa.Column("exclude_corporate_add_ons", sa.Boolean, nullable=False),
    sa.Column("exclude_suspended", sa.Boolean, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

batch_cancel_row = sa.Table(
    "batch_cancel_row",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("batch_id", PG_UUID, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("agreement_id", PG_UUID, nullable=False),
    sa.Column("agreement_number", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("past_due_minor", sa.BigInteger, nullable=False),
    sa.Column("oldest_due_date", sa.Date, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class BatchCancel:
    """A batch as it is stored."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    state: str
    reason_id: UUID
    reason: str
    criteria: Criteria
    business_date: date
    create_time: datetime


@dataclass(frozen=True)
class Row:
    """An agreement of a batch and what became of it."""

    number: int
    agreement_id: UUID
    agreement_number: str
    display_name: str
    account_id: UUID
    past_due_minor: int
    oldest_due_date: date
    outcome: str
    detail: str


@dataclass(frozen=True)
class Owing:
    """What a batch asks about an agreement that owes."""

    number: str
    display_name: str
    account_id: UUID
    status: str
    group_type: str
    role: str


_CRITERIA = (
    *("days_past_due", "minimum_minor", "paid_from", "paid_to", "exclude_corporate_add_ons"),
    "exclude_suspended",
)
_HEAD = ("id", "enterprise_id", "business_unit_id", "state", "reason_id", "reason", "business_date", "create_time")
_ROW = (
    *("number", "agreement_id", "agreement_number", "display_name", "account_id", "past_due_minor"),
    *("oldest_due_date", "outcome", "detail"),
)


def add(connection: sa.Connection, new: BatchCancel) -> None:
    """Add a batch."""
    values = {name: getattr(new, name) for name in _HEAD} | {name: getattr(new.criteria, name) for name in _CRITERIA}
    connection.execute(sa.insert(batch_cancel).values(values))


def find(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, batch_id: UUID, *, for_update: bool = False
) -> BatchCancel | None:
    """Read a batch, of a unit if one is given; locked if it is to be changed."""
    query = sa.select(batch_cancel).where(batch_cancel.c.enterprise_id == enterprise_id, batch_cancel.c.id == batch_id)
    if unit_id is not None:
        query = query.where(batch_cancel.c.business_unit_id == unit_id)
    row = connection.execute(query.with_for_update() if for_update else query).one_or_none()
    if row is None:
        return None
    criteria = Criteria(**{name: getattr(row, name) for name in _CRITERIA})
    return BatchCancel(**{name: getattr(row, name) for name in _HEAD}, criteria=criteria)


def save_state(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID, state: str) -> None:
    """Write a batch's state."""
    connection.execute(
        sa.update(batch_cancel)
        .where(batch_cancel.c.enterprise_id == enterprise_id, batch_cancel.c.id == batch_id)
        .values(state=state)
    )


def add_rows(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID, rows: Sequence[Row]) -> None:
    """Add the rows of a batch."""
    if rows:
        keys = {"enterprise_id": enterprise_id, "batch_id": batch_id}
        connection.execute(
            sa.insert(batch_cancel_row), [{**keys, **{name: getattr(row, name) for name in _ROW}} for row in rows]
        )


def save_outcome(
    connection: sa.Connection, enterprise_id: UUID, batch_id: UUID, number: int, outcome: str, detail: str
) -> None:
    """Write what became of a row."""
    connection.execute(
        sa.update(batch_cancel_row)
        .where(_of(enterprise_id, batch_id), batch_cancel_row.c.number == number)
        .values(outcome=outcome, detail=detail)
    )


def rows_page(
    connection: sa.Connection, enterprise_id: UUID, batch_id: UUID, outcome: str, after: int, limit: int
) -> Sequence[Row]:
    """Read rows after a number, of one outcome if it is given."""
    query = sa.select(batch_cancel_row).where(_of(enterprise_id, batch_id), batch_cancel_row.c.number > after)
    if outcome:
        query = query.where(batch_cancel_row.c.outcome == outcome)
    found = connection.execute(query.order_by(batch_cancel_row.c.number).limit(limit))
    return [Row(**{name: getattr(row, name) for name in _ROW}) for row in found]


def counts(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID) -> Mapping[str, tuple[int, int]]:
    """Count the rows of a batch and what they owe, by outcome."""
    query = (
        sa.select(
            batch_cancel_row.c.outcome,
            sa.func.count().label("rows"),
            sa.func.sum(batch_cancel_row.c.past_due_minor).label("minor"),
        )
        .where(_of(enterprise_id, batch_id))
        .group_by(batch_cancel_row.c.outcome)
    )
    return {row.outcome: (int(row.rows), int(row.minor)) for row in connection.execute(query)}


def included(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID) -> int:
    """Count the rows that are to be cancelled."""
    return counts(connection, enterprise_id, batch_id).get(INCLUDED, (0, 0))[0]


def owing(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]) -> Mapping[UUID, Owing]:
    """Read the agreements that run or will run, of those that owe."""
    query = sa.select(agreement).where(
        agreement.c.enterprise_id == enterprise_id,
        agreement.c.id == sa.any_(sa.cast(list(agreement_ids), ARRAY(PG_UUID))),
        agreement.c.status.in_(LIVE_STATUSES),
        agreement.c.pending_cancellation.is_(False),
    )
    return {
        row.id: Owing(row.number, row.display_name, row.account_id, row.status, row.group_type, row.role)
        for row in connection.execute(query)
    }


def _of(enterprise_id: UUID, batch_id: UUID) -> "sa.ColumnElement[Any]":
    return sa.and_(batch_cancel_row.c.enterprise_id == enterprise_id, batch_cancel_row.c.batch_id == batch_id)
