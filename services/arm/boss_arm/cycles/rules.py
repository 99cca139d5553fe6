"""Entry, exit and suspension of a cycle (SPEC ARM-4, ARM-5); pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from boss_arm.configuration.rules import ArmSettings
from boss_arm.debtors.rules import CARD_TENDERS, OpenItem, due_by_minor, past_due_minor
from boss_arm.history.rules import SYSTEM_TYPE, NewActivity
from boss_kit.errors import FailedPrecondition

SENT_BY_DECLINE = "Sent to ARM: the primary payment was declined"
SENT_BY_HAND = "Sent to ARM manually"
PAUSED = "Suspended pending payment results"
PAYMENT_ANSWERED = "Payment response received: returned to Active ARM status"
REMOVE_WARNING = (
    "This removes the member from ARM. If the member has another declined payment, they will automatically be put back"
    " into an Active ARM status. Send confirmed to go on."
)


class Status(StrEnum):
    """Where a cycle is."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class CloseReason(StrEnum):
    """Why a cycle ended."""

    PAID = "paid"
    REMOVED = "removed"
    HANDED_OVER = "handed_over"


EXIT_TEXTS = {
    CloseReason.PAID: "Removed from ARM: the past due balance is paid",
    CloseReason.REMOVED: "Removed from ARM manually",
    CloseReason.HANDED_OVER: "Handed over to collections",
}

RESUMED_BY_EXIT = {
    CloseReason.PAID: "Payment response received: the account is no longer past due",
    CloseReason.REMOVED: "Suspension ended: removed from ARM",
    CloseReason.HANDED_OVER: "Suspension ended: handed over to collections",
}


@dataclass(frozen=True, slots=True)
class Cycle:
    """An account's time in accounts receivable management; `number` counts from 1 per account."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID
    account_id: UUID
    number: int
    schedule_id: UUID | None
    status: str
    manual: bool
    sent_date: date
    sent_balance_minor: int
    close_date: date | None
    close_reason: str
    letters_sent: int
    phone_calls_made: int
    emails_sent: int
    run_date: date | None
    run_past_due_minor: int
    create_time: datetime

    @property
    def is_open(self) -> bool:
        """Tell whether it has not ended."""
        return self.status != Status.CLOSED

    def days_on(self, day: date) -> int:
        """Count the days in ARM on a day, at most to the exit (SPEC ARM-10)."""
        return max(0, (min(day, self.close_date or day) - self.sent_date).days)


@dataclass(frozen=True, slots=True)
class Declined:
    """A payment was finally declined."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    amount_minor: int
    primary: bool
    arm_entry: bool
    tender: str


@dataclass(frozen=True, slots=True)
class SuspensionTold:
    """An agreement, the member or the account was suspended, or is back.

    `repeated`: the same suspension was told for another agreement of the account before.
    """

    enterprise_id: UUID
    account_id: UUID
    text: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class CycleOpened:
    """Fact: an account entered."""

    cycle: Cycle
    currency: str
    member: tuple[UUID, UUID] | None
    contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CycleClosed:
    """Fact: an account left."""

    cycle: Cycle
    business_date: date
    reason: str


@dataclass(frozen=True, slots=True)
class HandedToCollections:
    """Fact: the schedule has ended and the account still owes."""

    cycle: Cycle
    business_date: date
    member: tuple[UUID, UUID] | None
    past_due_minor: int
    currency: str
    agency: str


def may_enter(declined: Declined, settings: ArmSettings | None) -> bool:
    """Tell whether a decline sends an account to ARM at all (SPEC ARM-4)."""
    if settings is None or not settings.enabled or not (declined.primary and declined.arm_entry):
        return False
    return declined.tender in CARD_TENDERS or not settings.cards_only


def entry_balance_minor(
    items: Sequence[OpenItem] | None, handed_over: Collection[str], declined_minor: int, day: date
) -> int:
    """Tell what an account enters with on a decline; 0 where nothing is past due, as far as is known yet.

    Debts that are with the agency already don't bring an account back by themselves. Before billing has told any
    balance, what was declined is what is past due at least.
    """
    if items is None:
        return declined_minor
    fresh = [item for item in items if item.invoice not in handed_over]
    return due_by_minor(items, day) if due_by_minor(fresh, day) > 0 else 0


def late_entry_balance_minor(items: Sequence[OpenItem], handed_over: Collection[str], day: date) -> int:
    """Tell what an account enters with once the balance of its decline is known; 0 where nothing is past due."""
    fresh = [item for item in items if item.invoice not in handed_over]
    return due_by_minor(items, day) if past_due_minor(fresh, day) > 0 else 0


def status_for(*, attempt_in_flight: bool) -> Status:
    """Tell an open cycle's status: no step goes out while a payment may still settle it (SPEC ARM-5)."""
    return Status.SUSPENDED if attempt_in_flight else Status.ACTIVE


def require_past_due(balance_minor: int) -> None:
    """Refuse an entry by hand without a past-due balance (SPEC ARM-4)."""
    if balance_minor <= 0:
        raise FailedPrecondition(
            "NO_PAST_DUE_BALANCE",
            "The account has no past due balance; only members with a past due balance can be sent to ARM.",
        )


def log(
    cycle: Cycle, day: date, text: str, balance_minor: int, correlation: str, *, suspension: bool = False
) -> NewActivity:
    """Make a line of the system's in the history (SPEC ARM-7)."""
    return NewActivity(
        cycle.enterprise_id,
        cycle.business_unit_id,
        cycle.account_id,
        cycle.id,
        cycle.number,
        SYSTEM_TYPE,
        day,
        text,
        cycle.days_on(day),
        balance_minor,
        suspension=suspension,
        correlation=correlation,
    )
