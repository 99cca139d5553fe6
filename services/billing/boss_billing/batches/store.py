"""The table of batches, and the attempts in them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.accounts.rules import AccountRef
from boss_billing.batches.rules import PAYMENTS_PER_BATCH, Batch, BatchState, SubmittedAttempt
from boss_billing.payments.rules import Label, Payment
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

batch_counter = sa.Table(
    "batch_counter",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("last_number", sa.BigInteger, nullable=False),
)

# Batches are dealt by business key, so that the same seed cuts the same ones whoever wrote the payments first.
_DEAL = sa.text(
    """
    SELECT attempt.business_unit_id, attempt.id
    FROM attempt
    JOIN account ON account.enterprise_id = attempt.enterprise_id AND account.id = attempt.account_id
    JOIN invoice ON invoice.enterprise_id = attempt.enterprise_id AND invoice.id = attempt.invoice_id
    JOIN business_unit AS unit ON unit.enterprise_id = attempt.enterprise_id AND unit.id = attempt.business_unit_id
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.bill_run_id = :run_id
      AND attempt.batch_id IS NULL AND attempt.state = 'created'
    ORDER BY unit.display_name, unit.id, account.number, invoice.due_date, length(invoice.number), invoice.number,
             attempt.attempt_no
    """
)

_ASSIGN = sa.text(
    """
    UPDATE attempt SET batch_id = new.batch_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:batch_ids AS uuid[])) AS new (id, batch_id)
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.id = new.id
    """
)

_CONTENT = sa.text(
    """
    SELECT attempt.id, account.number, invoice.due_date, line.description, attempt.attempt_no, attempt.tender,
           attempt.token, attempt.expiry_month, attempt.expiry_year, attempt.amount_minor, attempt.currency,
           attempt.business_date
    FROM attempt
    JOIN account ON account.enterprise_id = attempt.enterprise_id AND account.id = attempt.account_id
    JOIN invoice ON invoice.enterprise_id = attempt.enterprise_id AND invoice.id = attempt.invoice_id
    JOIN invoice_line AS line
        ON line.enterprise_id = attempt.enterprise_id AND line.invoice_id = attempt.invoice_id AND line.line_no = 1
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.batch_id = :batch_id
    ORDER BY account.number, invoice.due_date, length(invoice.number), invoice.number, attempt.attempt_no
    """
)

_ACCOUNTS = sa.text(
    "SELECT DISTINCT account_id FROM attempt WHERE enterprise_id = :enterprise_id AND batch_id = :batch_id"
)

# A result that came faster than our own record stays.
_SET_ATTEMPTS = sa.text(
    """
    UPDATE attempt SET state = :state
    WHERE enterprise_id = :enterprise_id AND batch_id = :batch_id AND state IN ('created', 'unknown')
    """
)

_SET_PAYMENTS = sa.text(
    """
    UPDATE payment SET state = :state
    FROM attempt
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.batch_id = :batch_id
      AND payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
      AND attempt.state = :state AND payment.state IN ('created', 'unknown')
    """
)

_SUBMITTED = sa.text(
    """
    SELECT payment.id, payment.business_unit_id, payment.account_id, payment.kind, payment.amount_minor,
           payment.currency
    FROM attempt
    JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
    WHERE attempt.enterprise_id = :enterprise_id AND attempt.batch_id = :batch_id
    ORDER BY payment.account_id, payment.id
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


def cut(connection: sa.Connection, enterprise_id: UUID, run_id: UUID, bill_date: date, now: datetime) -> list[UUID]:
    """Cut a run's attempts into batches of one unit and at most 1,000 payments; give their ids in order."""
    dealt: list[tuple[UUID, list[UUID]]] = []
    for unit_id, attempt_id in connection.execute(_DEAL, {"enterprise_id": enterprise_id, "run_id": run_id}):
        if not dealt or dealt[-1][0] != unit_id or len(dealt[-1][1]) == PAYMENTS_PER_BATCH:
            dealt.append((unit_id, []))
        dealt[-1][1].append(attempt_id)
    if not dealt:
        return []
    first = next_numbers(connection, enterprise_id, len(dealt))
    made = []
    for number, (unit_id, attempt_ids) in enumerate(dealt, first):
        one = Batch(enterprise_id, unit_id, new_id(), run_id, number, Label.ORIGINAL, bill_date, BatchState.CUT)
        add(connection, one, 1, now)
        assign(connection, enterprise_id, dict.fromkeys(attempt_ids, one.id))
        made.append(one.id)
    return made


def next_numbers(connection: sa.Connection, enterprise_id: UUID, count: int) -> int:
    """Take so many batch numbers; give the first."""
    statement = insert(batch_counter).values(enterprise_id=enterprise_id, last_number=count)
    statement = statement.on_conflict_do_update(
        index_elements=["enterprise_id"], set_={"last_number": batch_counter.c.last_number + count}
    )
    last: int = connection.execute(statement.returning(batch_counter.c.last_number)).scalar_one()
    return last - count + 1


def add(connection: sa.Connection, one: Batch, part: int, now: datetime) -> None:
    """Add a batch."""
    values = {
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
    connection.execute(sa.insert(batch).values(values))


def assign(connection: sa.Connection, enterprise_id: UUID, batch_of: dict[UUID, UUID]) -> None:
    """Put attempts into batches."""
    parameters = {"enterprise_id": enterprise_id, "ids": list(batch_of), "batch_ids": list(batch_of.values())}
    connection.execute(_ASSIGN, parameters)


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


def begin(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID) -> Batch:
    """Lock a batch and write that it is on its way; give it as it was."""
    mine = (batch.c.enterprise_id == enterprise_id, batch.c.id == batch_id)
    found = read(connection.execute(sa.select(batch).where(*mine).with_for_update()).one())
    if found.state is BatchState.CUT:
        connection.execute(sa.update(batch).where(*mine).values(state=BatchState.SUBMITTING))
    return found


def content(connection: sa.Connection, enterprise_id: UUID, batch_id: UUID) -> Sequence[SubmittedAttempt]:
    """Read what a batch holds, in the order of account numbers."""
    rows = connection.execute(_CONTENT, {"enterprise_id": enterprise_id, "batch_id": batch_id})
    return [SubmittedAttempt(*row) for row in rows]


def accounts_of(connection: sa.Connection, one: Batch) -> Sequence[UUID]:
    """Read whose payments a batch holds."""
    return connection.scalars(_ACCOUNTS, {"enterprise_id": one.enterprise_id, "batch_id": one.id}).all()


def set_state(connection: sa.Connection, one: Batch, state: BatchState, payments_state: str) -> None:
    """Write where a batch and its payments are."""
    mine = (batch.c.enterprise_id == one.enterprise_id, batch.c.id == one.id)
    connection.execute(sa.update(batch).where(*mine).values(state=state))
    parameters = {"enterprise_id": one.enterprise_id, "batch_id": one.id, "state": payments_state}
    connection.execute(_SET_ATTEMPTS, parameters)
    connection.execute(_SET_PAYMENTS, parameters)


def payments_of(connection: sa.Connection, one: Batch) -> Sequence[Payment]:
    """Read the payments of a batch."""
    rows = connection.execute(_SUBMITTED, {"enterprise_id": one.enterprise_id, "batch_id": one.id})
    return [
        Payment(
            row.id,
            AccountRef(one.enterprise_id, row.business_unit_id, row.account_id),
            row.kind,
            row.amount_minor,
            row.currency,
        )
        for row in rows
    ]


def has_open(connection: sa.Connection, enterprise_id: UUID, run_id: UUID) -> bool:
    """Tell whether a run has a batch that isn't at the processor."""
    return bool(connection.scalar(_OPEN_OF_RUN, {"enterprise_id": enterprise_id, "run_id": run_id}))


def unanswered(connection: sa.Connection) -> Sequence[tuple[UUID, UUID]]:
    """Read the batches of all enterprises that the processor said nothing about."""
    query = sa.select(batch.c.enterprise_id, batch.c.id).where(batch.c.state == BatchState.UNKNOWN).order_by(batch.c.id)
    return [(row.enterprise_id, row.id) for row in connection.execute(query)]


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
