"""What ARM gives up (SPEC ARM-11)."""

from dataclasses import dataclass
from uuid import UUID

from boss_collections.debtors.rules import AccountRef
from boss_kit.money import Money


@dataclass(frozen=True)
class HandOver:
    """An account whose schedule has ended while it still owes; it is named by its cycle."""

    account: AccountRef
    cycle_id: UUID
    past_due_balance: Money
    agency: str
