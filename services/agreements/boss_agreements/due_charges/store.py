"""Tables and SQL of closed days, of the lines a run reads, and of billing's answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import Line
from boss_agreements.agreements.schedules import stored_schedule
from boss_agreements.agreements.tables import agreement, agreement_line
from boss_agreements.due_charges.rules import Charge
from boss_kit.money import Money

TABLES = sa.MetaData()

closed_bill_date = sa.Table(
    "closed_bill_date",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("bill_date", sa.Date, primary_key=True),
    sa.Column("previous_date", sa.Date),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

charge_answer = sa.Table(
    "charge_answer",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("line_id", PG_UUID, primary_key=True),
    sa.Column("cycle_no", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("invoice", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger),
    sa.Column("period_start_date", sa.Date),
    sa.Column("period_end_date", sa.Date),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    comment="What became of each charge: billed or refused, once.",
)


# In the order of the fields of a Line, behind its next bill date.
_BILLING_COLUMNS = (
    *("remaining_cycles", "term_end_date", "billing", "item_kind", "basis", "units_per_cycle", "tax_rate"),
    "final_date",
)


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A closed bill date, and the closed one before it."""

    bill_date: date
    previous_date: date | None


@dataclass(frozen=True, slots=True)
class DueLine:
    """A line as a run reads it."""

    account_id: UUID
    agreement_id: UUID
    business_unit_id: UUID
    number: str
    item: str
    item_category: str
    line: Line
    due_date: date | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one charge."""

    charge: Charge
    business_unit_id: UUID
    outcome: str
    invoice: str
    reason: str


@dataclass(frozen=True, slots=True)
class Advance:
    """A line after an answer, and when it is due next."""

    line: Line
    due_date: date | None


def newest_closed(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, before: date | None = None
) -> date | None:
    """Read the newest closed bill date of a unit, or the newest before a day."""
    query = sa.select(sa.func.max(closed_bill_date.c.bill_date)).where(_closed_of(enterprise_id, unit_id))
    if before is not None:
        query = query.where(closed_bill_date.c.bill_date < before)
    found: date | None = connection.scalar(query)
    return found


def close(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, day: date, previous: date | None, now: datetime
) -> bool:
    """Close a bill date; tell whether it was open."""
    values = {
        "enterprise_id": enterprise_id,
        "business_unit_id": unit_id,
        "bill_date": day,
        "previous_date": previous,
        "create_time": now,
    }
    statement = insert(closed_bill_date).values(values).on_conflict_do_nothing().returning(closed_bill_date.c.bill_date)
    return connection.scalar(statement) is not None


def find_closed(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, day: date) -> ClosedDay | None:
    """Read a closed bill date with the one before it."""
    query = sa.select(closed_bill_date.c.bill_date, closed_bill_date.c.previous_date)
    closed = query.where(_closed_of(enterprise_id, unit_id), closed_bill_date.c.bill_date == day)
    row = connection.execute(closed).one_or_none()
    return ClosedDay(row.bill_date, row.previous_date) if row else None


def forget_ended(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, through: date) -> None:
    """Take ended and cancelled lines off the list whose end a run has reported."""
    connection.execute(
        sa.update(agreement_line)
        .where(
            agreement_line.c.enterprise_id == enterprise_id,
            agreement_line.c.business_unit_id == unit_id,
            sa.text("(remaining_cycles = 0 OR state <> 'live') AND next_bill_date IS NOT NULL"),
            agreement_line.c.next_bill_date <= through,
        )
        .values(next_bill_date=None)
    )


def count_due(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, day: date) -> int:
    """Count the agreements that have something due by a day."""
    query = sa.select(sa.func.count(agreement_line.c.agreement_id.distinct())).where(
        agreement_line.c.enterprise_id == enterprise_id,
        agreement_line.c.business_unit_id == unit_id,
        agreement_line.c.due_date <= day,
    )
    return int(connection.scalar(query) or 0)


def lines_page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    day: date,
    shard: tuple[int, int],
    after_account: UUID | None,
    limit: int,
) -> Sequence[DueLine]:
    """Read `limit` or a few more lines whose bill date has come, in the order of accounts; no account is split."""
    number, of = shard
    query = _lines(enterprise_id, unit_id, day)
    if of > 1:
        query = query.where(sa.func.get_byte(sa.func.uuid_send(agreement_line.c.account_id), 15) % of == number)
    if after_account is not None:
        query = query.where(agreement_line.c.account_id > after_account)
    rows = connection.execute(query.limit(limit)).all()
    if len(rows) == limit:
        last = rows[-1]
        rest = _lines(enterprise_id, unit_id, day).where(
            agreement_line.c.account_id == last.account_id,
            sa.tuple_(agreement_line.c.agreement_id, agreement_line.c.id) > sa.tuple_(last.agreement_id, last.line_id),
        )
        rows = [*rows, *connection.execute(rest)]
    return [_due_line(row) for row in rows]


def lock_lines(connection: sa.Connection, enterprise_id: UUID, line_ids: Sequence[UUID]) -> Sequence[DueLine]:
    """Read lines for their answers and keep others from changing them, in the order of their agreements."""
    query = _joined(enterprise_id).where(agreement_line.c.id == sa.any_(sa.cast(list(line_ids), ARRAY(PG_UUID))))
    rows = connection.execute(query.order_by(agreement.c.id).with_for_update(of=[agreement, agreement_line]))
    return [_due_line(row) for row in rows]


def save_advances(connection: sa.Connection, enterprise_id: UUID, advances: Sequence[Advance]) -> None:
    """Write lines that went on to their next cycle, all in one statement."""
    lines = [one.line for one in advances]
    values: dict[str, Sequence[object]] = {
        "ids": [line.id for line in lines],
        "anchors": [line.schedule.anchor_day for line in lines],
        "cycles": [line.cycle_no for line in lines],
        "dates": [line.next_bill_date for line in lines],
        "dues": [one.due_date for one in advances],
        "remaining": [line.remaining_cycles for line in lines],
        "ends": [line.term_end_date for line in lines],
    }
    connection.execute(_SAVE_ADVANCES, {"enterprise_id": enterprise_id, **values})


def add_answers(connection: sa.Connection, enterprise_id: UUID, answers: Sequence[Answer], now: datetime) -> None:
    """Keep what became of charges."""
    values = [
        {
            "enterprise_id": enterprise_id,
            "line_id": one.charge.line_id,
            "cycle_no": one.charge.cycle_no,
            "kind": one.charge.kind,
            "business_unit_id": one.business_unit_id,
            "due_date": one.charge.due_date,
            "outcome": one.outcome,
            "invoice": one.invoice,
            "reason": one.reason,
            "amount_minor": one.charge.amount.amount_minor,
            "period_start_date": one.charge.period_start,
            "period_end_date": one.charge.period_end,
            "create_time": now,
        }
        for one in answers
    ]
    connection.execute(insert(charge_answer).on_conflict_do_nothing(), values)


_SAVE_ADVANCES = sa.text(
    """
    UPDATE agreement_line AS line
    SET anchor_day = new.anchor_day, cycle_no = new.cycle_no, next_bill_date = new.next_bill_date,
        due_date = new.due_date, remaining_cycles = new.remaining_cycles, term_end_date = new.term_end_date
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:anchors AS smallint[]), CAST(:cycles AS integer[]), CAST(:dates AS date[]),
        CAST(:dues AS date[]), CAST(:remaining AS integer[]), CAST(:ends AS date[])
    ) AS new (id, anchor_day, cycle_no, next_bill_date, due_date, remaining_cycles, term_end_date)
    WHERE line.enterprise_id = :enterprise_id AND line.id = new.id
    """
)


def _closed_of(enterprise_id: UUID, unit_id: UUID) -> "sa.ColumnElement[bool]":
    return sa.and_(closed_bill_date.c.enterprise_id == enterprise_id, closed_bill_date.c.business_unit_id == unit_id)


def _joined(enterprise_id: UUID) -> "sa.Select[Any]":
    line = agreement_line
    return (
        sa.select(
            line.c.account_id,
            line.c.agreement_id,
            line.c.business_unit_id,
            agreement.c.number,
            line.c.item,
            line.c.item_category,
            line.c.due_date,
            line.c.id.label("line_id"),
            line.c.schedule,
            line.c.anchor_day,
            line.c.price_minor,
            line.c.currency,
            line.c.cycle_no,
            line.c.next_bill_date,
            *(line.c[name] for name in _BILLING_COLUMNS),
        )
        .join(
            agreement, sa.and_(agreement.c.enterprise_id == line.c.enterprise_id, agreement.c.id == line.c.agreement_id)
        )
        .where(line.c.enterprise_id == enterprise_id)
    )


def _lines(enterprise_id: UUID, unit_id: UUID, day: date) -> "sa.Select[Any]":
    line = agreement_line
    return (
        _joined(enterprise_id)
        .where(line.c.business_unit_id == unit_id, line.c.next_bill_date <= day)
        .order_by(line.c.account_id, line.c.agreement_id, line.c.id)
    )


def _due_line(row: Any) -> DueLine:
    # By place, not by name: a run reads a hundred thousand of them.
    account_id, agreement_id, unit_id, number, item, category, due_date, line_id, *billing = row
    schedule, anchor_day, price_minor, currency, cycle_no, next_bill_date, remaining, term_end, *rest = billing
    line = Line(
        line_id,
        stored_schedule(schedule, anchor_day),
        Money(price_minor, currency),
        cycle_no,
        next_bill_date or term_end or date.max,
        remaining,
        term_end,
        *rest,
    )
    return DueLine(account_id, agreement_id, unit_id, number, item, category, line, due_date)
