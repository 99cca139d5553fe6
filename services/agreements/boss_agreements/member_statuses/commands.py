"""Learn from billing who has bought something."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.member_statuses import store
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Purchase:
    """Billing invoiced an account for something that no agreement bills, such as a sale at the desk."""

    enterprise_id: UUID
    account_id: UUID


def take_invoices(tx: Transaction, page: Sequence[Received[Purchase | None]]) -> None:
    """Remember the accounts that bought something outside an agreement: who is on them is no Prospect (SPEC AGR-5)."""
    bought: dict[tuple[UUID, UUID], date] = {}
    for received in page:
        if received.fact is not None:
            bought.setdefault((received.fact.enterprise_id, received.fact.account_id), received.event.business_date)
    store.add_purchases(tx.connection, sorted((*key, day) for key, day in bought.items()))
