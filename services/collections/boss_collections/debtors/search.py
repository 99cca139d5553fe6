"""The search for who owes as of a day: one statement (SPEC COL-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_collections.debtors.rules import AccountRef, OpenItem, days_past_due
from boss_collections.debtors.store import items_from_json
from boss_kit.money import Money

# The newest state an account had come to by the day. Not the latest date's: a state of a day that is caught up later
# is newer than one written before it for a day after.
_SEARCH = sa.text(
    """
    SELECT account.id, account.business_unit_id, account.number, account.display_name,
        account.arm_cycle_id IS NOT NULL AS in_arm, coalesce(stage.stage, 'Not Set') AS stage,
        scope.day, owed.balance_minor, owed.currency, owed.open_items
    FROM unnest(CAST(:units AS uuid[]), CAST(:days AS date[])) AS scope (unit_id, day)
    JOIN account ON account.enterprise_id = :enterprise AND account.business_unit_id = scope.unit_id
    CROSS JOIN LATERAL (
        SELECT balance_minor, currency, open_items, oldest_due_date FROM balance
        WHERE balance.enterprise_id = :enterprise AND balance.account_id = account.id AND business_date <= scope.day
        ORDER BY version DESC LIMIT 1
    ) AS owed
    LEFT JOIN stage ON stage.enterprise_id = :enterprise AND stage.account_id = account.id
    WHERE owed.balance_minor > 0
        AND (CAST(:days_min AS integer) = 0 OR owed.oldest_due_date <= scope.day - CAST(:days_min AS integer))
        AND (
            CAST(:days_max AS integer) IS NULL OR owed.oldest_due_date IS NULL
            OR owed.oldest_due_date >= scope.day - CAST(:days_max AS integer)
        )
        AND (CAST(:currency AS text) IS NULL OR owed.currency = :currency)
        AND (CAST(:balance_min AS bigint) IS NULL OR owed.balance_minor >= :balance_min)
        AND (CAST(:balance_max AS bigint) IS NULL OR owed.balance_minor <= :balance_max)
        AND (CAST(:stage AS text) = '' OR coalesce(stage.stage, 'Not Set') = :stage)
        AND (CAST(:in_arm AS boolean) IS NULL OR (account.arm_cycle_id IS NOT NULL) = :in_arm)
        AND (CAST(:status AS text) = '' OR EXISTS (
            SELECT 1 FROM agreement
            WHERE agreement.enterprise_id = :enterprise AND agreement.account_id = account.id
                AND agreement.status = :status
        ))
        AND (
            CAST(:after_balance AS bigint) IS NULL OR owed.balance_minor < :after_balance
            OR (
                owed.balance_minor = :after_balance
                AND (account.number, account.id) > (:after_number, CAST(:after_id AS uuid))
            )
        )
    ORDER BY owed.balance_minor DESC, account.number, account.id
    LIMIT :limit
    """
)


@dataclass(frozen=True)
class Filters:
    """Whom to list; what is None or empty chooses nobody out."""

    days_past_due_min: int = 0
    days_past_due_max: int | None = None
    balance_min: Money | None = None
    balance_max: Money | None = None
    stage: str = ""
    in_arm: bool | None = None
    agreement_status: str = ""


@dataclass(frozen=True)
class Debtor:
    """Somebody who owes on a day; `in_arm` and `stage` are as they are now."""

    account: AccountRef
    number: str
    display_name: str
    as_of_date: date
    balance: Money
    stage: str
    in_arm: bool
    open_items: tuple[OpenItem, ...]

    @property
    def days_past_due(self) -> int:
        """Count the days of the oldest open invoice that is past due."""
        return days_past_due(self.open_items, self.as_of_date)


def search(
    connection: sa.Connection,
    enterprise_id: UUID,
    days: Mapping[UUID, date],
    filters: Filters,
    after: tuple[int, str, UUID] | None,
    limit: int,
) -> Sequence[Debtor]:
    """Read who owed in the units of `days`, each as of its day; the greatest balance first, then by account number."""
    lowest, highest = filters.balance_min, filters.balance_max
    currency = next((money.currency for money in (lowest, highest) if money is not None), None)
    balance, number, account_id = after or (None, "", None)
    rows = connection.execute(
        _SEARCH,
        {
            "enterprise": enterprise_id,
            "units": list(days),
            "days": list(days.values()),
            "days_min": filters.days_past_due_min,
            "days_max": filters.days_past_due_max,
            "currency": currency,
            "balance_min": lowest.amount_minor if lowest else None,
            "balance_max": highest.amount_minor if highest else None,
            "stage": filters.stage,
            "in_arm": filters.in_arm,
            "status": filters.agreement_status,
            "after_balance": balance,
            "after_number": number,
            "after_id": account_id,
            "limit": limit,
        },
    )
    return [_debtor(enterprise_id, row) for row in rows]


def _debtor(enterprise_id: UUID, row: "sa.Row[Any]") -> Debtor:
    return Debtor(
        account=AccountRef(enterprise_id, row.business_unit_id, row.id),
        number=row.number,
        display_name=row.display_name,
        as_of_date=row.day,
        balance=Money(row.balance_minor, row.currency),
        stage=row.stage,
        in_arm=row.in_arm,
        open_items=items_from_json(row.open_items),
    )
