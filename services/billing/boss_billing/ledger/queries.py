"""Prove the books, and count what happened in a span of days (SPEC BIL-10)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.ledger.banked import deposit_problems
from boss_billing.ledger.clearing import document_problems
from boss_kit.database import allow_memory
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

PROBLEMS_MAX = 100

_TRANSFERS = sa.text("SELECT count(*) FROM transfer WHERE enterprise_id = :enterprise_id")

_BILLED_TWICE = sa.text(
    """
    SELECT count(*) FROM (
        SELECT FROM invoice_line WHERE enterprise_id = :enterprise_id AND charge_key IS NOT NULL
        GROUP BY charge_key HAVING count(*) > 1
    ) AS twice
    """
)

# The same fact on two paths: what transfers add up to, and what invoices and accounts say.
_ACCOUNTS = sa.text(
    """
    WITH moved AS (
        SELECT account_id,
               sum(CASE 'receivable' WHEN debit THEN amount_minor WHEN credit THEN -amount_minor ELSE 0 END)
                   AS receivable,
               sum(CASE 'account_credit' WHEN credit THEN amount_minor WHEN debit THEN -amount_minor ELSE 0 END)
                   AS credit
        FROM transfer WHERE enterprise_id = :enterprise_id GROUP BY account_id
    ), owed AS (
        SELECT account_id, sum(balance_minor) AS balance FROM invoice
        WHERE enterprise_id = :enterprise_id AND balance_minor > 0 GROUP BY account_id
    )
    SELECT account.number, account.currency, coalesce(moved.receivable, 0) AS receivable,
           coalesce(owed.balance, 0) AS balance, coalesce(moved.credit, 0) AS credit, account.credit_minor
    FROM account
    LEFT JOIN moved ON moved.account_id = account.id
    LEFT JOIN owed ON owed.account_id = account.id
    WHERE account.enterprise_id = :enterprise_id
      AND (coalesce(moved.receivable, 0) <> coalesce(owed.balance, 0)
           OR coalesce(moved.credit, 0) <> account.credit_minor)
    ORDER BY account.number
    LIMIT :limit
    """
)

# What an invoice says counts up, what lines and transfers say counts down: one grouping, and what isn't 0 differs.
_INVOICES = sa.text(
    """
    WITH differing AS (
        SELECT id, sum(lines) AS lines, sum(charged) AS charged, sum(paid) AS paid
        FROM (
            SELECT id, total_minor AS lines, total_minor AS charged, total_minor - balance_minor AS paid
            FROM invoice WHERE enterprise_id = :enterprise_id
            UNION ALL
            SELECT invoice_id, -amount_minor - tax_minor, 0, 0
            FROM invoice_line WHERE enterprise_id = :enterprise_id
            UNION ALL
            SELECT invoice_id, 0, -amount_minor, 0
            FROM transfer
            WHERE enterprise_id = :enterprise_id AND invoice_id IS NOT NULL AND debit = 'receivable'
              AND source IN ('bill run', 'import', 'invoice', 'debit', 'returned payment')
            UNION ALL
            SELECT invoice_id, 0, 0, CASE WHEN debit = 'receivable' THEN amount_minor ELSE -amount_minor END
            FROM transfer
            WHERE enterprise_id = :enterprise_id AND invoice_id IS NOT NULL AND (
                credit = 'receivable' OR debit = 'receivable'
                AND source NOT IN ('bill run', 'import', 'invoice', 'debit', 'returned payment')
            )
        ) AS told
        GROUP BY id
        HAVING sum(lines) <> 0 OR sum(charged) <> 0 OR sum(paid) <> 0
    )
    SELECT invoice.number, invoice.currency, invoice.total_minor, invoice.balance_minor,
           invoice.total_minor - differing.lines AS lines, invoice.total_minor - differing.charged AS charged,
           invoice.total_minor - invoice.balance_minor - differing.paid AS paid
    FROM differing
    JOIN invoice ON invoice.enterprise_id = :enterprise_id AND invoice.id = differing.id
    ORDER BY invoice.number
    LIMIT :limit
    """
)

_PAYMENTS = sa.text(
    """
    WITH differing AS (
        SELECT id, sum(amount) AS amount
        FROM (
            SELECT id, CASE WHEN state = 'approved' THEN amount_minor ELSE 0 END AS amount
            FROM payment WHERE enterprise_id = :enterprise_id
            UNION ALL
            SELECT payment_id, -amount_minor
            FROM transfer
            WHERE enterprise_id = :enterprise_id AND payment_id IS NOT NULL AND source IN ('payment', 'point of sale')
        ) AS told
        GROUP BY id
        HAVING sum(amount) <> 0
    )
    SELECT payment.id, payment.currency, payment.amount_minor, payment.state,
           CASE WHEN payment.state = 'approved' THEN payment.amount_minor ELSE 0 END - differing.amount AS moved
    FROM differing
    JOIN payment ON payment.enterprise_id = :enterprise_id AND payment.id = differing.id
    ORDER BY payment.id
    LIMIT :limit
    """
)

_UNKNOWN_CODES = sa.text(
    """
    SELECT DISTINCT code FROM (
        SELECT debit AS code FROM transfer WHERE enterprise_id = :enterprise_id
        UNION SELECT credit FROM transfer WHERE enterprise_id = :enterprise_id
    ) AS used
    WHERE code NOT IN (
        SELECT code FROM ledger_account WHERE enterprise_id IN (:enterprise_id, '00000000-0000-0000-0000-000000000000')
    )
    """
)

_OWED = sa.text(
    """
    SELECT account.currency, sum(coalesce(owed.balance, 0) - account.credit_minor) AS amount
    FROM account
    LEFT JOIN (
        SELECT account_id, sum(balance_minor) AS balance FROM invoice
        WHERE enterprise_id = :enterprise_id AND balance_minor > 0 GROUP BY account_id
    ) AS owed ON owed.account_id = account.id
    WHERE account.enterprise_id = :enterprise_id
    GROUP BY account.currency
    ORDER BY count(*) DESC, account.currency
    """
)

_INVOICED = sa.text(
    """
    SELECT count(*) AS items, coalesce(sum(total_minor), 0) AS amount FROM invoice
    WHERE enterprise_id = :enterprise_id AND kind = 'billed'
      AND (CAST(:unit_id AS uuid) IS NULL OR business_unit_id = :unit_id)
      AND invoice_date >= :first AND invoice_date <= :last
    """
)

_PAID = sa.text(
    """
    SELECT kind = 'Point of Sale' AS is_desk, state, is_recovered, count(*) AS items, sum(amount_minor) AS amount
    FROM payment
    WHERE enterprise_id = :enterprise_id AND (CAST(:unit_id AS uuid) IS NULL OR business_unit_id = :unit_id)
      AND payment_date >= :first AND payment_date <= :last
    GROUP BY 1, 2, 3
    """
)

_RUNS = sa.text(
    """
    SELECT count(*) FROM bill_run
    WHERE enterprise_id = :enterprise_id AND (CAST(:unit_id AS uuid) IS NULL OR scope_id IN (:unit_id, :enterprise_id))
      AND bill_date >= :first AND bill_date <= :last
    """
)

_CURRENCY = sa.text(
    """
    SELECT currency FROM business_unit
    WHERE enterprise_id = :enterprise_id AND (CAST(:unit_id AS uuid) IS NULL OR id = :unit_id)
    ORDER BY display_name LIMIT 1
    """
)


@dataclass(frozen=True)
class Proof:
    """What a check of the books found."""

    transfers: int
    problems: Sequence[str]
    charges_billed_twice: int
    receivable: Money


@dataclass(frozen=True)
class Total:
    """How many, and what they come to."""

    count: int = 0
    amount_minor: int = 0

    def __add__(self, other: "Total") -> "Total":
        return Total(self.count + other.count, self.amount_minor + other.amount_minor)


@dataclass(frozen=True)
class Summary:
    """What happened in a span of days; payments that were never tried count nowhere."""

    currency: str
    invoiced: Total
    approved: Total
    declined: Total
    recovered: Total
    point_of_sale: Total
    in_flight: Total
    bill_runs: int

    @property
    def submitted(self) -> Total:
        """Give what runs submitted; a Retry never adds (SPEC BIL-9)."""
        return self.approved + self.declined + self.in_flight


def check_ledger(tx: Transaction, enterprise_id: UUID) -> Proof:
    """Prove the books of an enterprise."""
    parameters = {"enterprise_id": enterprise_id}
    allow_memory(tx.connection)
    billed_twice = int(tx.connection.scalar(_BILLED_TWICE, parameters) or 0)
    problems = list(_problems(tx, enterprise_id))[:PROBLEMS_MAX]
    owed = tx.connection.execute(_OWED, parameters).all()
    receivable = Money(int(owed[0].amount), owed[0].currency) if owed else Money(0, _currency(tx, enterprise_id, None))
    return Proof(int(tx.connection.scalar(_TRANSFERS, parameters) or 0), problems, billed_twice, receivable)


def summary(
    tx: Transaction, enterprise_id: UUID, business_unit_id: UUID | None, first: date | None, last: date | None
) -> Summary:
    """Count and sum what happened from the first day to the last, both included; an open end has no limit."""
    parameters = {
        "enterprise_id": enterprise_id,
        "unit_id": business_unit_id,
        "first": first or date.min,
        "last": last or date.max,
    }
    invoiced = tx.connection.execute(_INVOICED, parameters).one()
    rows = tx.connection.execute(_PAID, parameters).all()
    return Summary(
        _currency(tx, enterprise_id, business_unit_id),
        Total(invoiced.items, int(invoiced.amount)),
        _sum(row for row in rows if not row.is_desk and row.state == "approved"),
        _sum(row for row in rows if row.state == "finally_declined"),
        _sum(row for row in rows if row.state == "approved" and row.is_recovered),
        _sum(row for row in rows if row.is_desk),
        _sum(row for row in rows if row.state in ("created", "pending", "unknown", "declined")),
        int(tx.connection.scalar(_RUNS, parameters) or 0),
    )


def _problems(tx: Transaction, enterprise_id: UUID) -> Iterator[str]:
    parameters = {"enterprise_id": enterprise_id, "limit": PROBLEMS_MAX}
    for code in tx.connection.scalars(_UNKNOWN_CODES, {"enterprise_id": enterprise_id}):
        yield f"Transfers use the account {code!r}, which the chart of accounts doesn't have."
    for row in tx.connection.execute(_ACCOUNTS, parameters):
        yield (
            f"Account {row.number}: transfers say it owes {_text(row.receivable, row.currency)} and has a credit of "
            f"{_text(row.credit, row.currency)}, invoices say {_text(row.balance, row.currency)} and the account "
            f"{_text(row.credit_minor, row.currency)}."
        )
    for row in tx.connection.execute(_INVOICES, parameters):
        yield (
            f"Invoice {row.number}: total {_text(row.total_minor, row.currency)}, "
            f"lines {_text(row.lines, row.currency)}, booked {_text(row.charged, row.currency)}, "
            f"paid {_text(row.paid, row.currency)}, yet its balance is {_text(row.balance_minor, row.currency)}."
        )
    for row in tx.connection.execute(_PAYMENTS, parameters):
        yield (
            f"Payment {row.id} of {_text(row.amount_minor, row.currency)} is {row.state}, "
            f"yet transfers moved {_text(row.moved, row.currency)}."
        )
    yield from document_problems(tx, enterprise_id, PROBLEMS_MAX)
    yield from deposit_problems(tx, enterprise_id, PROBLEMS_MAX)


def _currency(tx: Transaction, enterprise_id: UUID, business_unit_id: UUID | None) -> str:
    found = tx.connection.scalar(_CURRENCY, {"enterprise_id": enterprise_id, "unit_id": business_unit_id})
    return str(found or "USD")


def _sum(rows: Iterator[Any]) -> Total:
    total = Total()
    for row in rows:
        total += Total(row.items, int(row.amount))
    return total


def _text(amount_minor: Any, currency: str) -> str:
    return str(Money(int(amount_minor), currency))
