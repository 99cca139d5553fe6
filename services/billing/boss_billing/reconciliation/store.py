"""The table of days deposits are awaited in, and the SQL that puts deposits beside batches."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.deposits.store import EVERY_ENTERPRISE
from boss_billing.reconciliation.matching import DepositLine, PaymentFault, Transaction, Window

TABLES = sa.MetaData()

settlement_window = sa.Table(
    "settlement_window",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("tender", sa.Text, primary_key=True),
    sa.Column("days_min", sa.Integer, nullable=False),
    sa.Column("days_max", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
)

# Single payments of one statement and day are one line; a deposit for a batch stands for itself.
_LINES = """
    SELECT batch_number, business_unit_id, tender, label, deposit_date, source, statement,
           CASE WHEN transaction_id = '' THEN deposit_key ELSE '' END AS deposit_key,
           CAST(sum(gross_minor) AS bigint) AS gross_minor, CAST(sum(fee_minor) AS bigint) AS fee_minor, currency,
           count(*) AS payments, transaction_id <> '' AS is_by_payment
    FROM deposit
    WHERE enterprise_id = :enterprise_id AND {which}
    GROUP BY batch_number, business_unit_id, tender, label, deposit_date, source, statement, currency,
             transaction_id <> '', CASE WHEN transaction_id = '' THEN deposit_key ELSE '' END, part
    ORDER BY batch_number, deposit_date, statement, label, tender, deposit_key
"""

_KNOWN = sa.text(
    """
    SELECT EXISTS (SELECT FROM batch WHERE enterprise_id = :enterprise_id AND number = :number)
        OR EXISTS (SELECT FROM deposit WHERE enterprise_id = :enterprise_id AND batch_number = :number)
    """
)

_OF_BATCHES = sa.text(_LINES.format(which="batch_number = ANY(CAST(:numbers AS bigint[]))"))

_UNKNOWN = sa.text(
    _LINES.format(
        which="""deposit_date BETWEEN :first AND :last
      AND (CAST(:unit_ids AS uuid[]) = '{}' OR business_unit_id = ANY(CAST(:unit_ids AS uuid[])))
      AND NOT EXISTS (
          SELECT FROM batch WHERE batch.enterprise_id = deposit.enterprise_id AND batch.number = deposit.batch_number
      )"""
    )
)

# Where a statement tells payment by payment, each is compared with what the processor said of it.
_FAULTS = sa.text(
    """
    WITH told AS (
        SELECT batch_number AS number, tender, transaction_id, CAST(sum(gross_minor) AS bigint) AS deposited,
               count(*) AS deposits
        FROM deposit
        WHERE enterprise_id = :enterprise_id AND batch_number = ANY(CAST(:numbers AS bigint[]))
          AND transaction_id <> ''
        GROUP BY batch_number, tender, transaction_id
    ), approved AS (
        SELECT batch.number, attempt.tender,
               coalesce(nullif(attempt.transaction_id, ''), CAST(attempt.id AS text)) AS transaction_id,
               payment.amount_minor AS approved
        FROM batch
        JOIN attempt ON attempt.enterprise_id = batch.enterprise_id AND attempt.batch_id = batch.id
        JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
        WHERE batch.enterprise_id = :enterprise_id AND attempt.state = 'approved'
          AND (batch.number, attempt.tender) IN (SELECT number, tender FROM told)
    )
    SELECT number, tender, transaction_id, approved, deposited, coalesce(deposits, 0) AS deposits
    FROM approved FULL JOIN told USING (number, tender, transaction_id)
    WHERE approved IS NULL OR deposited IS NULL OR approved <> deposited
    ORDER BY number, tender, transaction_id
    """
)

_ATTEMPTS = sa.text(
    """
    SELECT batch.number, attempt.id, attempt.payment_id, attempt.account_id, attempt.account_number, attempt.label,
           attempt.tender, CASE attempt.state WHEN 'approved' THEN payment.amount_minor ELSE attempt.amount_minor END,
           attempt.state, attempt.transaction_id, attempt.response_message
    FROM batch
    JOIN attempt ON attempt.enterprise_id = batch.enterprise_id AND attempt.batch_id = batch.id
    JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
    WHERE batch.enterprise_id = :enterprise_id
      AND (batch.number, attempt.tender) IN (
          SELECT * FROM unnest(CAST(:numbers AS bigint[]), CAST(:tenders AS text[]))
      )
    ORDER BY batch.number, attempt.account_number, attempt.due_date, attempt.invoice_number, attempt.attempt_no
    """
)


def knows_batch(connection: sa.Connection, enterprise_id: UUID, number: int) -> bool:
    """Tell whether there is a batch with a number, or a deposit for one."""
    return bool(connection.scalar(_KNOWN, {"enterprise_id": enterprise_id, "number": number}))


def windows_of(connection: sa.Connection, enterprise_id: UUID) -> Mapping[str, Window]:
    """Read the days deposits are awaited in, by tender: an enterprise's own before those that hold for all."""
    table = settlement_window
    query = sa.select(table).where(table.c.enterprise_id.in_([enterprise_id, EVERY_ENTERPRISE]))
    rows = connection.execute(query.order_by(table.c.tender, table.c.enterprise_id))
    return {row.tender: Window(row.days_min, row.days_max) for row in rows}


def save_window(connection: sa.Connection, enterprise_id: UUID, tender: str, window: Window) -> None:
    """Write the days of a tender."""
    values = {"days_min": window.days_min, "days_max": window.days_max, "note": ""}
    statement = insert(settlement_window).values(enterprise_id=enterprise_id, tender=tender, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["enterprise_id", "tender"], set_=values))


def deposits_of(connection: sa.Connection, enterprise_id: UUID, numbers: Collection[int]) -> Sequence[DepositLine]:
    """Read what reached the bank for batches."""
    rows = connection.execute(_OF_BATCHES, {"enterprise_id": enterprise_id, "numbers": list(numbers)})
    return [DepositLine(*row) for row in rows]


def unknown_deposits(
    connection: sa.Connection, enterprise_id: UUID, unit_ids: Sequence[UUID], first: date, last: date
) -> Sequence[DepositLine]:
    """Read what reached the bank for batches nobody knows."""
    parameters = {"enterprise_id": enterprise_id, "unit_ids": list(unit_ids), "first": first, "last": last}
    return [DepositLine(*row) for row in connection.execute(_UNKNOWN, parameters)]


def faults_of(connection: sa.Connection, enterprise_id: UUID, numbers: Collection[int]) -> Sequence[PaymentFault]:
    """Read which payments statements tell otherwise than the processor did."""
    if not numbers:
        return []
    rows = connection.execute(_FAULTS, {"enterprise_id": enterprise_id, "numbers": list(numbers)})
    return [PaymentFault(*row) for row in rows]


def attempts_of(
    connection: sa.Connection, enterprise_id: UUID, wanted: Sequence[tuple[int, str]]
) -> Mapping[int, list[Transaction]]:
    """Read the attempts of batches and tenders, by batch number."""
    numbers, tenders = [number for number, _ in wanted], [tender for _, tender in wanted]
    found: dict[int, list[Transaction]] = {}
    if wanted:
        parameters = {"enterprise_id": enterprise_id, "numbers": numbers, "tenders": tenders}
        for number, *values in connection.execute(_ATTEMPTS, parameters):
            found.setdefault(number, []).append(Transaction(*values))
    return found
