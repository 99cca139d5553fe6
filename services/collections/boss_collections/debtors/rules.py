"""What an account owes on a day, and since when (SPEC 0, COL-1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_kit import names
from boss_kit.money import Money

UNIT_NAME = "enterprises/{enterprise}/businessUnits/{unit}"
ACCOUNT_NAME = UNIT_NAME + "/accounts/{account}"
INVOICE_NAME = ACCOUNT_NAME + "/invoices/{invoice}"
AGREEMENT_STATUSES = ("Draft", "Pending Start", "Active", "Freeze", "Hold", "Cancelled", "Expired")
"""What an agreement can be (SPEC AGR-4)."""


@dataclass(frozen=True)
class AccountRef:
    """Which account, and where it hangs in the tree."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID

    @classmethod
    def parse(cls, name: str, field: str = "account") -> "AccountRef":
        """Read a resource name. Raises InvalidArgument for another form."""
        ids = names.parse(ACCOUNT_NAME, name, field)
        return cls(ids["enterprise"], ids["unit"], ids["account"])

    @property
    def name(self) -> str:
        """Write the resource name."""
        return ACCOUNT_NAME.format(enterprise=self.enterprise_id, unit=self.business_unit_id, account=self.account_id)


@dataclass(frozen=True)
class BusinessUnit:
    """A unit as agreements announced it."""

    enterprise_id: UUID
    id: UUID
    display_name: str
    time_zone: str


@dataclass(frozen=True)
class Holder:
    """Who is responsible for an account."""

    account: AccountRef
    display_name: str


@dataclass(frozen=True)
class AgreementState:
    """What an account is billed for."""

    account: AccountRef
    agreement_id: UUID
    status: str
    initial_service_discount: Money


@dataclass(frozen=True)
class ArmEntry:
    """A cycle of an account that was opened or closed."""

    account: AccountRef
    cycle_id: UUID


@dataclass(frozen=True)
class OpenItem:
    """One open invoice; amounts in minor units of the account's currency."""

    invoice_id: UUID
    number: str
    due_date: date
    balance_minor: int
    total_minor: int
    declined: bool
    agreement: str = ""


@dataclass(frozen=True)
class AccountBalance:
    """All that an account owes, from a moment on."""

    account: AccountRef
    number: str
    balance: Money
    open_items: tuple[OpenItem, ...]


@dataclass(frozen=True)
class DatedBalance:
    """What an account owes from a business date on; of one day the newest version counts."""

    business_date: date
    version: int
    fact: AccountBalance


def is_past_due(item: OpenItem, day: date) -> bool:
    """Tell whether an open invoice is past due: finally declined, or the day is after its due date (SPEC 0)."""
    return item.balance_minor > 0 and (item.declined or day > item.due_date)


def item_days_past_due(item: OpenItem, day: date) -> int:
    """Count the days since the due date; a decline before that date makes an item past due by 0 days."""
    return max(0, (day - item.due_date).days) if is_past_due(item, day) else 0


def days_past_due(items: Iterable[OpenItem], day: date) -> int:
    """Count the days of the oldest item that is past due; 0 where none is."""
    return max((item_days_past_due(item, day) for item in items), default=0)


def oldest_due_date(items: Iterable[OpenItem]) -> date | None:
    """Give the earliest due date of what is open: a search by days past due stands on it."""
    return min((item.due_date for item in items if item.balance_minor > 0), default=None)
