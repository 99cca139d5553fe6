"""What was owed at the end of any day, derived from transfers alone (SPEC BIL-10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.ledger.aging import EDGES, Aged
from boss_billing.units import store as units
from boss_billing.units.queries import check_unit
from boss_kit.database import allow_memory
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_MINE = """
    transfer.enterprise_id = :enterprise_id AND transfer.business_date <= :day
    AND (CAST(:unit_id AS uuid) IS NULL OR transfer.business_unit_id = :unit_id)
    AND (CAST(:account_id AS uuid) IS NULL OR transfer.account_id = :account_id)
"""

# The buckets are those of `ledger.aging`: a debt's age is the days since it was due.
_AGED = f"""
    WITH owed AS (
        SELECT invoice_id, sum(CASE WHEN debit = 'receivable' THEN amount_minor ELSE -amount_minor END) AS balance
        FROM transfer
        WHERE {_MINE} AND invoice_id IS NOT NULL AND (debit = 'receivable' OR credit = 'receivable')
        GROUP BY invoice_id
        HAVING sum(CASE WHEN debit = 'receivable' THEN amount_minor ELSE -amount_minor END) <> 0
    ), credit AS (
        SELECT account_id, sum(CASE WHEN credit = 'account_credit' THEN amount_minor ELSE -amount_minor END) AS credit
        FROM transfer
        WHERE {_MINE} AND (debit = 'account_credit' OR credit = 'account_credit')
        GROUP BY account_id
    ), aged AS (
        SELECT invoice.account_id,
               sum(balance) FILTER (WHERE :day - invoice.due_date <= {EDGES[0]}) AS first,
               sum(balance) FILTER (
                   WHERE :day - invoice.due_date > {EDGES[0]} AND :day - invoice.due_date <= {EDGES[1]}) AS second,
               sum(balance) FILTER (
                   WHERE :day - invoice.due_date > {EDGES[1]} AND :day - invoice.due_date <= {EDGES[2]}) AS third,
               sum(balance) FILTER (WHERE :day - invoice.due_date > {EDGES[2]}) AS fourth
        FROM owed
        JOIN invoice ON invoice.enterprise_id = :enterprise_id AND invoice.id = owed.invoice_id
        GROUP BY invoice.account_id
    ), found AS (
        SELECT coalesce(aged.account_id, credit.account_id) AS account_id, coalesce(first, 0) AS first,
               coalesce(second, 0) AS second, coalesce(third, 0) AS third, coalesce(fourth, 0) AS fourth,
               coalesce(credit.credit, 0) AS credit
        FROM aged FULL JOIN credit ON credit.account_id = aged.account_id
        WHERE aged.account_id IS NOT NULL OR credit.credit <> 0
    )
"""

_DAY = sa.bindparam("day", type_=sa.Date)
_ID = {name: sa.bindparam(name, type_=PG_UUID) for name in ("unit_id", "account_id")}

_SUMS = sa.text(
    f"""
    {_AGED}
    SELECT account.currency, count(*) FILTER (WHERE first + second + third + fourth > 0) AS accounts,
           sum(first), sum(second), sum(third), sum(fourth), sum(credit)
    FROM found
    JOIN account ON account.enterprise_id = :enterprise_id AND account.id = found.account_id
    GROUP BY account.currency
    ORDER BY account.currency
    """
).bindparams(_DAY, *_ID.values())

_ACCOUNTS = sa.text(
    f"""
    {_AGED}
    SELECT account.business_unit_id, account.id, account.number, account.currency, first, second, third, fourth, credit
    FROM found
    JOIN account ON account.enterprise_id = :enterprise_id AND account.id = found.account_id
    WHERE account.number > :after
    ORDER BY account.number
    LIMIT :limit
    """
).bindparams(_DAY, *_ID.values())

_BALANCE = sa.text(
    """
    SELECT coalesce(sum(CASE WHEN debit = 'receivable' THEN amount_minor WHEN debit = 'account_credit' THEN amount_minor
                             ELSE 0 END), 0)
         - coalesce(sum(CASE WHEN credit = 'receivable' THEN amount_minor
                             WHEN credit = 'account_credit' THEN amount_minor ELSE 0 END), 0)
    FROM transfer
    WHERE enterprise_id = :enterprise_id AND account_id = :account_id AND business_date <= :day
    """
)


@dataclass(frozen=True)
class AgedAccount:
    """What one account owed."""

    ref: AccountRef
    number: str
    currency: str
    aged: Aged


@dataclass(frozen=True)
class AgedSums:
    """What all accounts owed, by currency, and how many owed something."""

    day: date
    sums: Mapping[str, Aged]
    accounts: int


def aging(tx: Transaction, scope: InvoiceScope, day: date | None) -> AgedSums:
    """Sum what was owed at the end of a day, by age and currency. Raises NotFound for a unit there isn't."""
    check_unit(tx, scope.enterprise_id, scope.business_unit_id)
    day = day or today(tx, scope)
    allow_memory(tx.connection)
    rows = tx.connection.execute(_SUMS, _parameters(scope, day)).all()
    return AgedSums(day, {row[0]: _aged(row[2:]) for row in rows}, sum(row.accounts for row in rows))


def aged_accounts(
    tx: Transaction, scope: InvoiceScope, day: date | None, page: Page
) -> tuple[Sequence[AgedAccount], str]:
    """Read a page of accounts that owed something or had credit at the end of a day, and the next page's token.

    Raises NotFound for a unit there isn't.
    """
    check_unit(tx, scope.enterprise_id, scope.business_unit_id)
    parameters = _parameters(scope, day or today(tx, scope))
    allow_memory(tx.connection)
    rows = tx.connection.execute(
        _ACCOUNTS, {**parameters, "after": page.after[0] if page.after else "", "limit": page.limit}
    ).all()
    found, token = page.cut(rows, lambda row: (row.number,))
    return [
        AgedAccount(AccountRef(scope.enterprise_id, row[0], row[1]), row.number, row.currency, _aged(row[4:]))
        for row in found
    ], token


def balance_as_of(tx: Transaction, ref: AccountRef, day: date) -> int:
    """Sum what an account owed less its credit at the end of a day."""
    parameters = {"enterprise_id": ref.enterprise_id, "account_id": ref.id, "day": day}
    return int(tx.connection.scalar(_BALANCE, parameters) or 0)


def today(tx: Transaction, scope: InvoiceScope) -> date:
    """Tell the business date of a unit, or the latest of an enterprise's."""
    known = units.units_of(tx.connection, scope.enterprise_id)
    mine = [unit for unit in known.values() if scope.business_unit_id in (None, unit.id)]
    return max((tx.today(unit.time_zone) for unit in mine), default=tx.now.date())


def _parameters(scope: InvoiceScope, day: date) -> dict[str, UUID | date | None]:
    return {
        "enterprise_id": scope.enterprise_id,
        "unit_id": scope.business_unit_id,
        "account_id": scope.account_id,
        "day": day,
    }


def _aged(values: Sequence[int]) -> Aged:
    *buckets, credit = (int(value) for value in values)
    return Aged(buckets, credit)
