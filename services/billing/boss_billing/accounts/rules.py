"""Accounts, their balances and the fact about them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id, text_of

ACCOUNT_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}"
NUMBER_LENGTH_MAX = 200


class AccountRef(NamedTuple):
    """Where an account belongs."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID

    @property
    def name(self) -> str:
        """Give its resource name."""
        return f"{self.unit_name}/accounts/{text_of(self.id)}"

    @property
    def unit_name(self) -> str:
        """Give its business unit's resource name."""
        return unit_name(self.enterprise_id, self.business_unit_id)


@lru_cache(maxsize=2**12)
def unit_name(enterprise_id: UUID, business_unit_id: UUID) -> str:
    """Give a business unit's resource name."""
    return f"enterprises/{enterprise_id}/businessUnits/{business_unit_id}"


class Account(NamedTuple):
    """An account as a transaction has locked it; credit is what was paid beyond what is owed."""

    ref: AccountRef
    number: str
    currency: str
    time_zone: str
    credit_minor: int
    invoice_count: int

    def billed(self, credit_minor: int) -> "Account":
        """Give the account with one more invoice, and less credit."""
        left = self.credit_minor - credit_minor
        return Account(self.ref, self.number, self.currency, self.time_zone, left, self.invoice_count + 1)

    def invoice_number(self, count: int) -> str:
        """Give the human number of the account's n-th invoice."""
        return f"{self.number}-{count}"


class OpenItem(NamedTuple):
    """An invoice with a balance above zero."""

    invoice_id: UUID
    number: str
    due_date: date
    balance_minor: int
    total_minor: int
    is_declined: bool
    agreement_id: UUID | None


class AccountBalanceChanged(NamedTuple):
    """State: what an account owes, and whether a payment attempt is in flight."""

    ref: AccountRef
    number: str
    currency: str
    version: int
    credit_minor: int
    open_items: Sequence[OpenItem]
    attempt_in_flight: bool
    business_date: date

    @property
    def balance_minor(self) -> int:
        """Give all that is owed, less credit."""
        return sum([item.balance_minor for item in self.open_items]) - self.credit_minor


@dataclass(frozen=True, slots=True)
class Balance:
    """What one account owes on a day."""

    ref: AccountRef
    currency: str
    balance_minor: int
    past_due_minor: int
    attempt_in_flight: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as it is read."""

    ref: AccountRef
    number: str
    currency: str
    version: int
    balance_minor: int
    past_due_minor: int
    create_time: datetime
    credit_minor: int


def account_id(enterprise_id: UUID, external_id: str) -> UUID:
    """Derive an account's id, so that every service and every import names it alike."""
    return derived_id(enterprise_id, "account", external_id)


def check_number(number: str) -> None:
    """Refuse a human number nobody could read. Raises InvalidArgument."""
    if not number.strip() or len(number) > NUMBER_LENGTH_MAX or not number.isprintable():
        text = f"must be 1 to {NUMBER_LENGTH_MAX} printable characters: the club's own number."
        raise InvalidArgument.field("account.number", text)


def is_past_due(item: OpenItem, day: date) -> bool:
    """Tell whether an open invoice is past due: finally declined, or its due date is over (SPEC 0)."""
    return item.is_declined or item.due_date < day


def past_due_minor(items: Iterable[OpenItem], day: date) -> int:
    """Sum what is past due."""
    return sum(item.balance_minor for item in items if is_past_due(item, day))
