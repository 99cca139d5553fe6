"""Tables and SQL of closed days, of the lines a run reads, and of billing's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.agreements.rules import Line
from boss_agreements.agreements.schedules import stored_schedule
from boss_agreements.agreements.tables import agreement, agreement_line
from boss_agreements.due_charges.rules import AccountRange, Step
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


# In the order in which `_terms` takes them; the agreement's end and the days of validity follow.
_TERMS = (
    *("item", "item_category", "schedule", "anchor_day", "price_minor", "currency", "next_bill_date"),
    *("remaining_cycles", "term_end_date", "billing", "item_kind", "basis", "units_per_cycle", "tax_rate"),
    "final_date",
)
# The end of the term of the Key Items, as `agreements.rules.within_term` says it; looked for only where it decides.
_AGREEMENT_END = sa.literal_column(
    """
    CASE WHEN agreement_line.billing = 'perpetual' AND NOT agreement_line.is_key_item
          AND agreement_line.suspension_id IS NULL
    THEN (
        SELECT CASE WHEN bool_or(key_line.state = 'live' AND key_line.term_end_date IS NULL) THEN NULL
                    ELSE max(key_line.term_end_date) END
        FROM agreement_line AS key_line
        WHERE key_line.enterprise_id = agreement_line.enterprise_id
          AND key_line.agreement_id = agreement_line.agreement_id AND key_line.is_key_item
    ) END
    """,
    sa.Date,
).label("agreement_end")
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A closed bill date, and the closed one before it."""

    bill_date: date
    previous_date: date | None


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What lines sold alike have in common: one object for all of them, by which is kept what was worked out once.

    `line` stands for each of them: it has nobody's id, and its cycles count from 0.
    """

    item: str
    item_category: str
    line: Line
    validity_days: int | None


class DueLine(NamedTuple):
    """A line as a run reads it; ids stay text, because a run only passes them on."""

    id: str
    cycle_no: int
    account_id: str
    agreement_id: str
    number: str
    member_id: str
    business_unit_id: str
    terms: Terms


class Answer(NamedTuple):
    """What became of a line's next charge."""

    line: DueLine
    step: Step
    outcome: str
    invoice: str
    reason: str


def newest_closed(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> date | None:
    """Read the newest closed bill date of a unit."""
    query = sa.select(sa.func.max(closed_bill_date.c.bill_date)).where(_closed_of(enterprise_id, unit_id))
    found: date | None = connection.scalar(query)
    return found


def newest_closed_of(
    connection: sa.Connection, enterprise_id: UUID, unit_ids: Sequence[UUID], before: date
) -> dict[UUID, date]:
    """Read the newest closed bill date before a day of each unit that has one."""
    found = connection.execute(
        _NEWEST_CLOSED, {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "before": before}
    )
    return {row.unit_id: row.bill_date for row in found}


def close(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_ids: Sequence[UUID],
    day: date,
    previous: Mapping[UUID, date],
    now: datetime,
) -> frozenset[UUID]:
    """Close a bill date of units; tell in which it was open."""
    values = {
        "enterprise_id": enterprise_id,
        "unit_ids": list(unit_ids),
        "bill_date": day,
        "previous_dates": [previous.get(unit_id) for unit_id in unit_ids],
        "create_time": now,
    }
    return frozenset(connection.scalars(_CLOSE, values))


def find_closed(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, day: date) -> ClosedDay | None:
    """Read a closed bill date with the one before it."""
    query = sa.select(closed_bill_date.c.bill_date, closed_bill_date.c.previous_date)
    closed = query.where(_closed_of(enterprise_id, unit_id), closed_bill_date.c.bill_date == day)
    row = connection.execute(closed).one_or_none()
    return ClosedDay(row.bill_date, row.previous_date) if row else None


def forget_ended(connection: sa.Connection, enterprise_id: UUID, through: Mapping[UUID, date]) -> None:
    """Take ended and cancelled lines off units' lists whose end a run has reported."""
    if through:
        values = {"enterprise_id": enterprise_id, "unit_ids": list(through), "days": list(through.values())}
        connection.execute(_FORGET_ENDED, values)


def count_due(connection: sa.Connection, enterprise_id: UUID, unit_ids: Sequence[UUID], day: date) -> dict[UUID, int]:
    """Count the agreements of each unit that have something due by a day."""
    found = connection.execute(_COUNT_DUE, {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "day": day})
    return {row.business_unit_id: row.agreements for row in found}


def lines_page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    day: date,
    accounts: AccountRange,
    after_account: UUID | None,
    limit: int,
) -> Sequence[DueLine]:
    """Read `limit` or a few more lines whose bill date has come, in the order of accounts; no account is split."""
    query = _lines(enterprise_id, unit_id, day)
    if accounts.first is not None:
        query = query.where(agreement_line.c.account_id >= accounts.first)
    if accounts.end is not None:
        query = query.where(agreement_line.c.account_id < accounts.end)
    if after_account is not None:
        query = query.where(agreement_line.c.account_id > after_account)
    rows = connection.execute(query.limit(limit)).all()
    if len(rows) == limit:
        last = rows[-1]
        rest = _lines(enterprise_id, unit_id, day).where(
            agreement_line.c.account_id == UUID(last.account_id),
            sa.tuple_(agreement_line.c.agreement_id, agreement_line.c.id)
            > sa.tuple_(UUID(last.agreement_id), UUID(last.id)),
        )
        rows = [*rows, *connection.execute(rest)]
    return [_due_line(row) for row in rows]


def lock_lines(connection: sa.Connection, enterprise_id: UUID, line_ids: Sequence[UUID]) -> Sequence[DueLine]:
    """Read lines for their answers and keep others from changing them, in the order of their agreements."""
    query = _joined(enterprise_id).where(agreement_line.c.id == sa.any_(sa.cast(list(line_ids), ARRAY(PG_UUID))))
    rows = connection.execute(query.order_by(agreement.c.id).with_for_update(of=[agreement, agreement_line]))
    return [_due_line(row) for row in rows]


def save_answers(connection: sa.Connection, enterprise_id: UUID, answers: Sequence[Answer], now: datetime) -> None:
    """Write what became of charges, and their lines on their next cycle, in one statement."""
    steps = [one.step for one in answers]
    values: dict[str, Sequence[object]] = {
        "ids": [one.line.id for one in answers],
        "anchors": [step.after.schedule.anchor_day for step in steps],
        "dates": [step.after.next_bill_date for step in steps],
        "dues": [step.due_date for step in steps],
        "remaining": [step.after.remaining_cycles for step in steps],
        "ends": [step.after.term_end_date for step in steps],
        "cycles": [one.line.cycle_no for one in answers],
        "kinds": [step.charge.kind for step in steps],
        "units": [one.line.business_unit_id for one in answers],
        "charged": [step.charge.due_date for step in steps],
        "outcomes": [one.outcome for one in answers],
        "invoices": [one.invoice for one in answers],
        "reasons": [one.reason for one in answers],
        "amounts": [step.charge.amount.amount_minor for step in steps],
        "starts": [step.charge.period_start for step in steps],
        "period_ends": [step.charge.period_end for step in steps],
    }
    connection.execute(_SAVE_ANSWERS, {"enterprise_id": enterprise_id, "now": now, **values})


# A lateral look for each unit, where one for all of them would read every day they ever closed.
_NEWEST_CLOSED = sa.text(
    """
    SELECT unit_id, bill_date
    FROM unnest(CAST(:unit_ids AS uuid[])) AS unit (unit_id), LATERAL (
        SELECT max(bill_date) AS bill_date FROM closed_bill_date
        WHERE enterprise_id = :enterprise_id AND business_unit_id = unit_id AND bill_date < :before
    ) AS newest
    WHERE bill_date IS NOT NULL
    """
)
_CLOSE = sa.text(
    """
    INSERT INTO closed_bill_date (enterprise_id, business_unit_id, bill_date, previous_date, create_time)
    SELECT :enterprise_id, unit_id, :bill_date, previous_date, :create_time
    FROM unnest(CAST(:unit_ids AS uuid[]), CAST(:previous_dates AS date[])) AS unit (unit_id, previous_date)
    ON CONFLICT DO NOTHING
    RETURNING business_unit_id
    """
)
_FORGET_ENDED = sa.text(
    """
    UPDATE agreement_line AS line SET next_bill_date = NULL
    FROM unnest(CAST(:unit_ids AS uuid[]), CAST(:days AS date[])) AS unit (unit_id, day)
    WHERE line.enterprise_id = :enterprise_id AND line.business_unit_id = unit.unit_id
      AND (line.remaining_cycles = 0 OR line.state <> 'live') AND line.next_bill_date IS NOT NULL
      AND line.next_bill_date <= unit.day
    """
)
_COUNT_DUE = sa.text(
    """
    SELECT business_unit_id, count(DISTINCT agreement_id) AS agreements FROM agreement_line
    WHERE enterprise_id = :enterprise_id AND business_unit_id = ANY (CAST(:unit_ids AS uuid[])) AND due_date <= :day
    GROUP BY business_unit_id
    """
)
_SAVE_ANSWERS = sa.text(
    """
    WITH advanced AS (
        UPDATE agreement_line AS line
        SET anchor_day = new.anchor_day, cycle_no = line.cycle_no + 1, next_bill_date = new.next_bill_date,
            due_date = new.due_date, remaining_cycles = new.remaining_cycles, term_end_date = new.term_end_date
        FROM unnest(
            CAST(:ids AS uuid[]), CAST(:anchors AS smallint[]), CAST(:dates AS date[]), CAST(:dues AS date[]),
            CAST(:remaining AS integer[]), CAST(:ends AS date[])
        ) AS new (id, anchor_day, next_bill_date, due_date, remaining_cycles, term_end_date)
        WHERE line.enterprise_id = :enterprise_id AND line.id = new.id
    )
    INSERT INTO charge_answer (
        enterprise_id, create_time, line_id, cycle_no, kind, business_unit_id, due_date, outcome, invoice, reason,
        amount_minor, period_start_date, period_end_date)
    SELECT CAST(:enterprise_id AS uuid), CAST(:now AS timestamptz), answer.* FROM unnest(
        CAST(:ids AS uuid[]), CAST(:cycles AS integer[]), CAST(:kinds AS text[]), CAST(:units AS uuid[]),
        CAST(:charged AS date[]), CAST(:outcomes AS text[]), CAST(:invoices AS text[]), CAST(:reasons AS text[]),
        CAST(:amounts AS bigint[]), CAST(:starts AS date[]), CAST(:period_ends AS date[])
    ) AS answer
    ON CONFLICT DO NOTHING
    """
)


def _closed_of(enterprise_id: UUID, unit_id: UUID) -> "sa.ColumnElement[bool]":
    return sa.and_(closed_bill_date.c.enterprise_id == enterprise_id, closed_bill_date.c.business_unit_id == unit_id)


def _joined(enterprise_id: UUID) -> "sa.Select[Any]":
    line = agreement_line
    return (
        sa.select(
            _text(line.c.id),
            line.c.cycle_no,
            _text(line.c.account_id),
            _text(line.c.agreement_id),
            agreement.c.number,
            _text(agreement.c.member_id),
            _text(line.c.business_unit_id),
            *(line.c[name] for name in _TERMS),
            _AGREEMENT_END,
            line.c.validity_days,
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


def _text(column: "sa.Column[UUID]") -> "sa.Label[str]":
    return sa.cast(column, sa.Text).label(column.name)


def _due_line(row: Any) -> DueLine:
    # By place, not by name: a run reads a hundred thousand of them.
    return DueLine._make((*row[:7], _terms(row[7:])))


@lru_cache(maxsize=16384)
def _terms(values: tuple[Any, ...]) -> Terms:
    item, category, schedule, anchor_day, price_minor, currency, next_bill_date, remaining, term_end, *more = values
    *billing, validity_days = more
    line = Line(
        _NOBODY,
        stored_schedule(schedule, anchor_day),
        Money(price_minor, currency),
        0,
        next_bill_date or term_end or date.max,
        remaining,
        term_end,
        *billing,
    )
    return Terms(item, category, line, validity_days)
