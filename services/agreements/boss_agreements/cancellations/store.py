"""Tables and SQL of cancellations."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.tables import agreement_line
from boss_agreements.cancellations.rules import (
    FINAL_INVOICED,
    FUTURE,
    NO_RETURN,
    OPEN_STATUSES,
    Billed,
    CancelledLine,
)
from boss_agreements.due_charges.store import charge_answer

TABLES = sa.MetaData()

cancellation = sa.Table(
    "cancellation",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("agreement_id", PG_UUID, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("effective_date", sa.Date, nullable=False),
    sa.Column("received_date", sa.Date, nullable=False),
    sa.Column("reason_id", PG_UUID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("refunds", sa.Text, nullable=False),
    sa.Column("comments", sa.Text, nullable=False),
    sa.Column("exception_reason", sa.Text, nullable=False),
    sa.Column("exception_value", sa.Text, nullable=False),
    sa.Column("exception_comments", sa.Text, nullable=False),
    sa.Column("funding_source", sa.Text, nullable=False),
    sa.Column("status_before", sa.Text, nullable=False),
    sa.Column("return_state", sa.Text, nullable=False),
    sa.Column("return_destination", sa.Text, nullable=False),
    sa.Column("return_name", sa.Text, nullable=False),
    sa.Column("return_error", sa.Text, nullable=False),
    sa.Column("return_attempts", sa.Integer, nullable=False),
    sa.Column("awaits_final_bill", sa.Boolean, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("effect_date", sa.Date),
    sa.Column("complete_date", sa.Date),
    sa.Index("cancellation_agreement", "enterprise_id", "agreement_id"),
    # A second request for all of an agreement, made at the same moment, finds the first one here.
    sa.Index(
        "cancellation_whole",
        "enterprise_id",
        "agreement_id",
        unique=True,
        postgresql_where=sa.text("whole AND status IN ('Future', 'Final Invoiced')"),
    ),
    sa.Index(
        "cancellation_to_take_effect",
        "enterprise_id",
        "effective_date",
        postgresql_where=sa.text("status IN ('Future', 'Final Invoiced') AND effect_date IS NULL"),
    ),
)

cancelled_line = sa.Table(
    "cancelled_line",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("cancellation_id", PG_UUID, primary_key=True),
    sa.Column("line_id", PG_UUID, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("full_refund", sa.Boolean, nullable=False),
    sa.Column("split_from_id", PG_UUID),
    sa.Column("paid_before_minor", sa.BigInteger, nullable=False),
    sa.Column("return_amount_minor", sa.BigInteger, nullable=False),
    sa.Column("return_tax_minor", sa.BigInteger, nullable=False),
    sa.Column("return_units", sa.Text, nullable=False),
    sa.Index("cancelled_line_line", "enterprise_id", "line_id"),
    sa.Index(
        "cancelled_line_split",
        "enterprise_id",
        "split_from_id",
        postgresql_where=sa.text("split_from_id IS NOT NULL"),
    ),
)


@dataclass(frozen=True)
class Cancellation:
    """A request as it is stored; `effect_date` is the day its items were cancelled on."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    account_id: UUID
    status: str
    whole: bool
    effective_date: date
    received_date: date
    reason_id: UUID
    reason: str
    refunds: str
    comments: str
    exception_reason: str
    exception_value: str
    exception_comments: str
    funding_source: str
    status_before: str
    awaits_final_bill: bool
    actor: str
    create_time: datetime
    lines: tuple[CancelledLine, ...]
    return_state: str = NO_RETURN
    return_destination: str = ""
    return_name: str = ""
    return_error: str = ""
    return_attempts: int = 0
    effect_date: date | None = None
    complete_date: date | None = None

    @property
    def return_total_minor(self) -> int:
        """What goes back, with tax."""
        return sum(one.return_amount_minor + one.return_tax_minor for one in self.lines)


_COLUMNS = [column.name for column in cancellation.columns]
_LINE_COLUMNS = (
    *("line_id", "item", "quantity", "full_refund", "split_from_id", "paid_before_minor"),
    *("return_amount_minor", "return_tax_minor", "return_units"),
)
_CHANGING = (
    *("status", "return_state", "return_destination", "return_name", "return_error", "return_attempts"),
    *("funding_source", "awaits_final_bill", "effect_date", "complete_date"),
)


def add(connection: sa.Connection, new: Cancellation) -> None:
    """Add a request with its items."""
    connection.execute(sa.insert(cancellation).values({name: getattr(new, name) for name in _COLUMNS}))
    connection.execute(
        sa.insert(cancelled_line),
        [
            {
                "enterprise_id": new.enterprise_id,
                "cancellation_id": new.id,
                "number": number,
                **{name: getattr(line, name) for name in _LINE_COLUMNS},
            }
            for number, line in enumerate(new.lines, 1)
        ],
    )


def save(connection: sa.Connection, changed: Cancellation) -> None:
    """Write what changes in a request's life, and what goes back for its items."""
    connection.execute(
        sa.update(cancellation)
        .where(cancellation.c.enterprise_id == changed.enterprise_id, cancellation.c.id == changed.id)
        .values({name: getattr(changed, name) for name in _CHANGING})
    )
    connection.execute(
        sa.update(cancelled_line)
        .where(
            cancelled_line.c.enterprise_id == changed.enterprise_id,
            cancelled_line.c.cancellation_id == changed.id,
            cancelled_line.c.line_id == sa.bindparam("l"),
        )
        .values(
            return_amount_minor=sa.bindparam("amount"),
            return_tax_minor=sa.bindparam("tax"),
            return_units=sa.bindparam("units"),
        ),
        [
            {
                "l": one.line_id,
                "amount": one.return_amount_minor,
                "tax": one.return_tax_minor,
                "units": one.return_units,
            }
            for one in changed.lines
        ],
    )


def find(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, one_id: UUID) -> Cancellation | None:
    """Read a request, of a unit if one is given."""
    query = _requests(enterprise_id).where(cancellation.c.id == one_id)
    if unit_id is not None:
        query = query.where(cancellation.c.business_unit_id == unit_id)
    return next(iter(_read(connection, enterprise_id, query)), None)


def open_of(connection: sa.Connection, enterprise_id: UUID, agreement_ids: Iterable[UUID]) -> Sequence[Cancellation]:
    """Read the open requests of agreements, oldest first; who locks the agreements keeps them from changing."""
    query = _requests(enterprise_id).where(
        cancellation.c.agreement_id == sa.any_(sa.cast(list(agreement_ids), ARRAY(PG_UUID))),
        cancellation.c.status.in_(OPEN_STATUSES),
    )
    return _read(connection, enterprise_id, query.order_by(cancellation.c.create_time, cancellation.c.id))


def due_on(
    connection: sa.Connection, enterprise_id: UUID, day: date, after: UUID | None, limit: int
) -> Sequence[tuple[UUID, UUID]]:
    """Find requests whose effective date has come, by id; give each with its agreement."""
    query = sa.select(cancellation.c.id, cancellation.c.agreement_id).where(
        cancellation.c.enterprise_id == enterprise_id,
        sa.text("status IN ('Future', 'Final Invoiced') AND effect_date IS NULL"),
        cancellation.c.effective_date <= day,
    )
    if after is not None:
        query = query.where(cancellation.c.id > after)
    return [(row.id, row.agreement_id) for row in connection.execute(query.order_by(cancellation.c.id).limit(limit))]


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID | None,
    agreement_id: UUID | None,
    statuses: Sequence[str],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Cancellation]:
    """Read requests, newest first."""
    query = _requests(enterprise_id)
    if unit_id is not None:
        query = query.where(cancellation.c.business_unit_id == unit_id)
    if agreement_id is not None:
        query = query.where(cancellation.c.agreement_id == agreement_id)
    if statuses:
        query = query.where(cancellation.c.status.in_(statuses))
    if after is not None:
        query = query.where(sa.tuple_(cancellation.c.create_time, cancellation.c.id) < sa.tuple_(*after))
    query = query.order_by(cancellation.c.create_time.desc(), cancellation.c.id.desc()).limit(limit)
    return _read(connection, enterprise_id, query)


def mark_final_invoiced(connection: sa.Connection, enterprise_id: UUID, line_ids: Sequence[UUID]) -> None:
    """Make the requests Final Invoiced whose last bill was among those just answered (SPEC AGR-7)."""
    connection.execute(
        _MARK_FINAL_INVOICED, {"enterprise_id": enterprise_id, "ids": line_ids, "new": FINAL_INVOICED, "old": FUTURE}
    )


def billed_of(
    connection: sa.Connection, enterprise_id: UUID, line_ids: Iterable[UUID]
) -> Mapping[UUID, Sequence[Billed]]:
    """Read what was billed for lines, oldest first."""
    query = sa.select(charge_answer).where(
        *_answers_for(enterprise_id, line_ids),
        charge_answer.c.outcome == "billed",
        charge_answer.c.amount_minor.is_not(None),
    )
    found: dict[UUID, list[Billed]] = defaultdict(list)
    for row in connection.execute(query.order_by(charge_answer.c.cycle_no)):
        found[row.line_id].append(Billed(row.cycle_no, row.amount_minor, row.period_start_date, row.period_end_date))
    return found


def answered_through(connection: sa.Connection, enterprise_id: UUID, line_ids: Iterable[UUID]) -> Mapping[UUID, date]:
    """Read the last day that the answered charges of lines pay for."""
    query = (
        sa.select(charge_answer.c.line_id, sa.func.max(charge_answer.c.period_end_date).label("day"))
        .where(
            *_answers_for(enterprise_id, line_ids),
            charge_answer.c.period_end_date.is_not(None),
        )
        .group_by(charge_answer.c.line_id)
    )
    return {row.line_id: row.day for row in connection.execute(query)}


def refused_since(
    connection: sa.Connection, enterprise_id: UUID, line_ids: Iterable[UUID], since: datetime
) -> Mapping[UUID, int]:
    """Read how much of what was due of lines billing has refused since an instant."""
    query = (
        sa.select(charge_answer.c.line_id, sa.func.sum(charge_answer.c.amount_minor).label("minor"))
        .where(
            *_answers_for(enterprise_id, line_ids),
            charge_answer.c.outcome == "refused",
            charge_answer.c.create_time >= since,
        )
        .group_by(charge_answer.c.line_id)
    )
    return {row.line_id: int(row.minor or 0) for row in connection.execute(query)}


def split_off(connection: sa.Connection, enterprise_id: UUID, line_ids: Iterable[UUID]) -> Mapping[UUID, int]:
    """Read how much of what was billed for lines went with quantities that were split off them."""
    query = (
        sa.select(cancelled_line.c.split_from_id, sa.func.sum(cancelled_line.c.paid_before_minor).label("minor"))
        .where(
            cancelled_line.c.enterprise_id == enterprise_id,
            cancelled_line.c.split_from_id == sa.any_(sa.cast(list(line_ids), ARRAY(PG_UUID))),
        )
        .group_by(cancelled_line.c.split_from_id)
    )
    return {row.split_from_id: int(row.minor) for row in connection.execute(query)}


def _answers_for(enterprise_id: UUID, line_ids: Iterable[UUID]) -> "Sequence[sa.ColumnElement[bool]]":
    of_lines = charge_answer.c.line_id == sa.any_(sa.cast(list(line_ids), ARRAY(PG_UUID)))
    return charge_answer.c.enterprise_id == enterprise_id, of_lines


_MARK_FINAL_INVOICED = sa.text(
    f"""
    UPDATE cancellation SET status = :new, awaits_final_bill = false
    WHERE enterprise_id = :enterprise_id AND status = :old AND awaits_final_bill
      AND id IN (
        SELECT cancellation_id FROM {cancelled_line.name}
        WHERE enterprise_id = :enterprise_id AND line_id = ANY(:ids)
      )
      AND NOT EXISTS (
        SELECT FROM {cancelled_line.name} AS item JOIN {agreement_line.name} AS line
          ON line.enterprise_id = item.enterprise_id AND line.id = item.line_id
        WHERE item.enterprise_id = :enterprise_id AND item.cancellation_id = cancellation.id
          AND line.billing = 'perpetual' AND line.due_date IS NOT NULL
      )
    """
)


def _requests(enterprise_id: UUID) -> "sa.Select[Any]":
    return sa.select(cancellation).where(cancellation.c.enterprise_id == enterprise_id)


def _read(connection: sa.Connection, enterprise_id: UUID, query: "sa.Select[Any]") -> Sequence[Cancellation]:
    rows = connection.execute(query).all()
    if not rows:
        return []
    lines: dict[UUID, list[CancelledLine]] = defaultdict(list)
    items = sa.select(cancelled_line).where(
        cancelled_line.c.enterprise_id == enterprise_id,
        cancelled_line.c.cancellation_id == sa.any_(sa.cast([row.id for row in rows], ARRAY(PG_UUID))),
    )
    for row in connection.execute(items.order_by(cancelled_line.c.number)):
        lines[row.cancellation_id].append(CancelledLine(**{name: getattr(row, name) for name in _LINE_COLUMNS}))
    return [Cancellation(**{name: getattr(row, name) for name in _COLUMNS}, lines=tuple(lines[row.id])) for row in rows]
