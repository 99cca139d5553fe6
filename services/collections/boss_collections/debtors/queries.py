"""Reads of who owes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_collections.debtors import store
from boss_collections.debtors.search import Debtor, Filters, search
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class DebtorQuery:
    """Who is asked for: an enterprise or one of its units, on a day or, without one, on each unit's own today."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    as_of_date: date | None
    filters: Filters


def list_debtors(tx: Transaction, query: DebtorQuery, page: Page) -> tuple[Sequence[Debtor], str]:
    """List who owes, the greatest balance first; give the next page's token, too. Raises NotFound without the unit."""
    days = _days(tx, query)
    after = page.key(int, str, UUID)
    rows = search(tx.connection, query.enterprise_id, days, query.filters, after, page.limit)
    return page.cut(rows, lambda row: (row.balance.amount_minor, row.number, row.account.account_id))


def _days(tx: Transaction, query: DebtorQuery) -> Mapping[UUID, date]:
    zones = store.zones(tx.connection, query.enterprise_id, query.business_unit_id)
    if query.business_unit_id is not None and not zones:
        raise NotFound(
            "BUSINESS_UNIT_NOT_FOUND",
            f"parent: collections has heard of no business unit {query.business_unit_id}; take a name from agreements.",
            metadata={"business_unit": str(query.business_unit_id)},
        )
    return {unit_id: query.as_of_date or tx.today(zone) for unit_id, zone in zones.items()}
