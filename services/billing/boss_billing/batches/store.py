"""The table of batches, and the attempts in them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.accounts.rules import AccountRef
from boss_billing.batches.rules import (
    PAYMENTS_PER_BATCH,
    Batch,
    BatchState,
    PlannedBatch,
    SubmittedAttempt,
    business_key,
)
from boss_billing.payments.rules import Label, Payment
from boss_kit.database import rows_of
from boss_kit.ids import new_id

TABLES = sa.MetaData()

batch = sa.Table(
    "batch",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("bill_run_id", PG_UUID, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("bill_date", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

planned_batch = sa.Table(
    "planned_batch",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("bill_run_id", PG_UUID, primary_key=True),
    sa.Column("account_number", sa.Text, nullable=False),
    sa.Column("due_date", sa.Date, nullable=False),
    sa.Column("invoice_number", sa.Text, nullable=False),
    sa.Column("attempt_no", sa.Integer, nullable=False),
)

batch_counter = sa.Table(
    "batch_counter",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("last_number", sa.BigInteger, nullable=False),
)

result_question = sa.Table(
    "result_question",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("attempt_id", PG_UUID, primary_key=True),
    sa.Column("asked_time", sa.DateTime(timezone=True), nullable=False),
)

# Batches are dealt by business key, so that the same seed cuts the same ones whoever wrote the payments first.
_DEAL = sa.text(
    """
    SELECT business_unit_id, id, account_number, due_date, invoice_number, attempt_no FROM attempt
    WHERE enterprise_id = :enterprise_id AND bill_run_id = :run_id AND batch_id IS NULL AND state = 'created'
    ORDER BY account_number, due_date, length(invoice_number), invoice_number, attempt_no
    """
)

# What was planned by pages of this run and not taken back since.
_TAKE_PLANNED = sa.text(
    """
    WITH planned AS (
        DELETE FROM planned_batch WHERE enterprise_id = :enterprise_id AND bill_run_id = :run_id RETURNING *
    )
    SELECT business_unit_id, id, account_number, due_date, invoice_number, attempt_no FROM planned
    WHERE EXISTS (
        SELECT FROM attempt WHERE attempt.enterprise_id = planned.enterprise_id AND attempt.batch_id = planned.id
    )
    """
)

_ASSIGN = sa.text(
    """
    UPDATE attempt SET batch_id = new.batch_id, state = 'pending'
    FROM unnest(CAST(:ids AS uuid[]), CAST(:batch_ids AS uuid[])) AS new (id, batch_id)
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.id = new.id
    RETURNING payment_id
    """
)

# OFFSET 0 keeps it a look-up per attempt: of tables that have just grown the planner would go through all payments.
_CONTENT = sa.text(
    """
    SELECT attempt.batch_id, attempt.business_unit_id, attempt.account_id, payment.id, payment.kind,
           payment.amount_minor, payment.currency, attempt.id, attempt.account_number, attempt.due_date,
           attempt.description, attempt.attempt_no, attempt.tender, attempt.token, attempt.expiry_month,
           attempt.expiry_year, attempt.amount_minor, attempt.currency, attempt.business_date
    FROM attempt
    CROSS JOIN LATERAL (
        SELECT id, kind, amount_minor, currency FROM payment
        WHERE payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
        OFFSET 0
    ) AS payment
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.batch_id = ANY(:ids)
    ORDER BY attempt.account_number, attempt.due_date, length(attempt.invoice_number), attempt.invoice_number,
             attempt.attempt_no
    """
)

# A result that came faster than our own record stays.
_SET_ATTEMPTS = sa.text(
    """
    UPDATE attempt SET state = :state
    WHERE enterprise_id = :enterprise_id AND batch_id = ANY(:ids)
      AND state IN ('created', 'pending', 'unknown') AND state <> :state
    RETURNING payment_id
    """
)

_SET_PAYMENTS = sa.text(
    """
    UPDATE payment SET state = :state
    WHERE enterprise_id = :enterprise_id AND id = ANY(:ids) AND state IN ('created', 'pending', 'unknown')
    """
)

_SIZES = sa.text(
    """
    SELECT batch_id, count(*) FROM attempt WHERE enterprise_id = :enterprise_id AND batch_id = ANY(:ids)
    GROUP BY batch_id
    """
)

_OPEN_OF_RUN = sa.text(
    """
    SELECT EXISTS (
        SELECT FROM batch
        WHERE enterprise_id = :enterprise_id AND bill_run_id = :run_id AND label = 'Original' AND state <> 'submitted'
    )
    """
)

# Found by the index of payments in flight, which holds nobody else's.
_OVERDUE = sa.text(
    """
    SELECT attempt.enterprise_id, attempt.id
    FROM payment
    JOIN attempt ON attempt.enterprise_id = payment.enterprise_id AND attempt.payment_id = payment.id
        AND attempt.state = 'pending'
    LEFT JOIN result_question AS question
        ON question.enterprise_id = attempt.enterprise_id AND question.attempt_id = attempt.id
    WHERE payment.state = 'pending' AND attempt.business_date < :today
      AND (question.asked_time IS NULL OR question.asked_time <= :asked_until)
    ORDER BY question.asked_time NULLS FIRST, attempt.enterprise_id, attempt.id
    LIMIT :limit
    """
)


def plan(connection: sa.Connection, planned: Sequence[PlannedBatch]) -> None:
    """Write which batches a page of a run has filled."""
    names = [column.name for column in planned_batch.columns]
    rows = [(one.enterprise_id, one.business_unit_id, one.id, one.bill_run_id, *one.first) for one in planned]
    if rows:
        connection.execute(sa.insert(planned_batch), [dict(zip(names, row, strict=True)) for row in rows])


def cut(
    connection: sa.Connection,
    enterprise_id: UUID,
    run_id: UUID,
    bill_date: date,
    now: datetime,
    unit_ids: Sequence[UUID],
) -> list[UUID]:
    """Cut a run's attempts into batches of one unit and at most 1,000 payments; give their ids in the units' order.

    Those that pages have filled are batches as they are. From here on all their payments are pending.
    """
    mine = {"enterprise_id": enterprise_id, "run_id": run_id}
    planned = [_planned(enterprise_id, run_id, row) for row in connection.execute(_TAKE_PLANNED, mine)]
    by_unit: dict[UUID, list[sa.Row[Any]]] = {}
    for row in connection.execute(_DEAL, mine):
        by_unit.setdefault(row.business_unit_id, []).append(row)
    filled: dict[UUID, UUID] = {}
    for rows in by_unit.values():
        for start in range(0, len(rows), PAYMENTS_PER_BATCH):
            one = _planned(enterprise_id, run_id, rows[start], new_id())
            planned.append(one)
            filled.update((row.id, one.id) for row in rows[start : start + PAYMENTS_PER_BATCH])
    if not planned:
        return []
    places = {unit_id: place for place, unit_id in enumerate(unit_ids)}
    planned.sort(key=lambda one: (places[one.business_unit_id], business_key(*one.first)))
    first = next_numbers(connection, enterprise_id, len(planned))
    made = [
        Batch(enterprise_id, one.business_unit_id, one.id, run_id, number, Label.ORIGINAL, bill_date, BatchState.CUT)
        for number, one in enumerate(planned, first)
    ]
    add(connection, made, 1, now)
    assign(connection, enterprise_id, filled)
    return [one.id for one in made]


def next_numbers(connection: sa.Connection, enterprise_id: UUID, count: int) -> int:
    """Take so many batch numbers; give the first."""
    statement = insert(batch_counter).values(enterprise_id=enterprise_id, last_number=count)
    statement = statement.on_conflict_do_update(
        index_elements=["enterprise_id"], set_={"last_number": batch_counter.c.last_number + count}
    )
    last: int = connection.execute(statement.returning(batch_counter.c.last_number)).scalar_one()
    return last - count + 1


def add(connection: sa.Connection, batches: Sequence[Batch], part: int, now: datetime) -> None:
    """Add batches."""
    rows = [
        {
            "enterprise_id": one.enterprise_id,
            "business_unit_id": one.business_unit_id,
            "id": one.id,
            "bill_run_id": one.bill_run_id,
            "number": one.number,
            "label": one.label,
            "part": part,
            "bill_date": one.bill_date,
            "state": one.state,
            "create_time": now,
        }
        for one in batches
    ]
    connection.execute(sa.insert(batch).values(rows))


def assign(connection: sa.Connection, enterprise_id: UUID, batch_of: Mapping[UUID, UUID]) -> None:
    """Put attempts into batches; with their payments they are pending then."""
    if not batch_of:
        return
    parameters = {"enterprise_id": enterprise_id, "ids": list(batch_of), "batch_ids": list(batch_of.values())}
    payment_ids = connection.scalars(_ASSIGN, parameters).all()
    connection.execute(_SET_PAYMENTS, {"enterprise_id": enterprise_id, "state": "pending", "ids": list(payment_ids)})


def count_parts(connection: sa.Connection, enterprise_id: UUID, number: int, label: str) -> int:
    """Count the batches of a number and label."""
    mine = (batch.c.enterprise_id == enterprise_id, batch.c.number == number, batch.c.label == label)
    count: int = connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()
    return count


def find(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID) -> Batch | None:
    """Read a batch."""
    query = sa.select(batch).where(batch.c.enterprise_id == enterprise_id, batch.c.id == batch_id)
    row = connection.execute(query).one_or_none()
    return read(row) if row else None


def find_all(connection: sa.Connection, enterprise_id: UUID, batch_ids: Sequence[UUID]) -> Sequence[Batch]:
    """Read batches, in the order of their numbers."""
    query = sa.select(batch).where(*_mine(enterprise_id, batch_ids)).order_by(batch.c.number, batch.c.label, batch.c.id)
    return [read(row) for row in connection.execute(query)]


def begin(connection: sa.Connection, enterprise_id: UUID, batch_ids: Sequence[UUID]) -> Sequence[Batch]:
    """Lock batches and write that they are on their way; give them as they were, in the order of their numbers."""
    mine = _mine(enterprise_id, batch_ids)
    rows = connection.execute(sa.select(batch).where(*mine).order_by(batch.c.id).with_for_update())
    found = [read(row) for row in rows]
    if any(one.state is BatchState.CUT for one in found):
        begun = sa.update(batch).where(*mine, batch.c.state == BatchState.CUT).values(state=BatchState.SUBMITTING)
        connection.execute(begun)
    return sorted(found, key=lambda one: (one.number, one.label, one.id))


def put_back(connection: sa.Connection, before: Batch) -> None:
    """Write the state a batch had before it was on its way."""
    mine = _mine(before.enterprise_id, [before.id])
    on_its_way = batch.c.state == BatchState.SUBMITTING
    connection.execute(sa.update(batch).where(*mine, on_its_way).values(state=before.state))


def content(
    connection: sa.Connection, enterprise_id: UUID, batch_ids: Sequence[UUID]
) -> Mapping[UUID, list[tuple[Payment, SubmittedAttempt]]]:
    """Read what batches hold, each in the order of account numbers."""
    found: dict[UUID, list[tuple[Payment, SubmittedAttempt]]] = {}
    # One object for all of a unit: what their events share is compared with each of them.
    units: dict[UUID, UUID] = {}
    for row in rows_of(connection, _CONTENT, {"enterprise_id": enterprise_id, "ids": list(batch_ids)}):
        batch_id, unit_id, account_id, payment_id, kind, amount_minor, currency, *attempt = row
        ref = AccountRef(enterprise_id, units.setdefault(unit_id, unit_id), account_id)
        held = (Payment(payment_id, ref, kind, amount_minor, currency), SubmittedAttempt(*attempt))
        found.setdefault(batch_id, []).append(held)
    return found


def sizes(connection: sa.Connection, enterprise_id: UUID, batch_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Count the payments of batches."""
    rows = connection.execute(_SIZES, {"enterprise_id": enterprise_id, "ids": list(batch_ids)})
    return {row[0]: row[1] for row in rows}


def set_state(connection: sa.Connection, enterprise_id: UUID, batches: Sequence[Batch], state: BatchState) -> None:
    """Write where batches are."""
    if batches:
        mine = _mine(enterprise_id, [one.id for one in batches])
        connection.execute(sa.update(batch).where(*mine).values(state=state))


def set_payments_state(connection: sa.Connection, enterprise_id: UUID, batches: Sequence[Batch], state: str) -> None:
    """Write where the payments of batches are. Their accounts must be locked."""
    if not batches:
        return
    parameters = {"enterprise_id": enterprise_id, "state": state}
    payment_ids = connection.scalars(_SET_ATTEMPTS, {**parameters, "ids": [one.id for one in batches]}).all()
    if payment_ids:
        connection.execute(_SET_PAYMENTS, {**parameters, "ids": list(payment_ids)})


def has_open(connection: sa.Connection, enterprise_id: UUID, run_id: UUID) -> bool:
    """Tell whether a run has a batch that isn't at the processor."""
    return bool(connection.scalar(_OPEN_OF_RUN, {"enterprise_id": enterprise_id, "run_id": run_id}))


def unanswered(connection: sa.Connection) -> Mapping[UUID, list[UUID]]:
    """Read the batches of all enterprises that the processor said nothing about, by enterprise."""
    query = sa.select(batch.c.enterprise_id, batch.c.id).where(batch.c.state == BatchState.UNKNOWN).order_by(batch.c.id)
    found: dict[UUID, list[UUID]] = {}
    for row in connection.execute(query):
        found.setdefault(row.enterprise_id, []).append(row.id)
    return found


def overdue(connection: sa.Connection, today: date, asked_until: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
    """Read attempts of all enterprises that wait for a result since before today and weren't asked for lately."""
    rows = connection.execute(_OVERDUE, {"today": today, "asked_until": asked_until, "limit": limit})
    return [(row.enterprise_id, row.id) for row in rows]


def note_asked(connection: sa.Connection, attempts: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
    """Note that the processor is asked for attempts: (enterprise, attempt)."""
    if not attempts:
        return
    rows = [{"enterprise_id": one[0], "attempt_id": one[1], "asked_time": now} for one in attempts]
    statement = insert(result_question)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["enterprise_id", "attempt_id"], set_={"asked_time": statement.excluded.asked_time}
        ),
        rows,
    )


def _planned(enterprise_id: UUID, run_id: UUID, row: "sa.Row[Any]", batch_id: UUID | None = None) -> PlannedBatch:
    first = (row.account_number, row.due_date, row.invoice_number, row.attempt_no)
    return PlannedBatch(enterprise_id, row.business_unit_id, batch_id or row.id, run_id, first)


def _mine(enterprise_id: UUID, batch_ids: Sequence[UUID]) -> "tuple[sa.ColumnElement[bool], ...]":
    return batch.c.enterprise_id == enterprise_id, batch.c.id == sa.any_(sa.cast(list(batch_ids), sa.ARRAY(PG_UUID)))


def read(row: "sa.Row[Any]") -> Batch:
    """Make a batch of a row of its table."""
    return Batch(
        row.enterprise_id,
        row.business_unit_id,
        row.id,
        row.bill_run_id,
        row.number,
        row.label,
        row.bill_date,
        BatchState(row.state),
    )
