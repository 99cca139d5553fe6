"""Who is in a past-due batch cancel, and who isn't (SPEC AGR-12). Pure: every day is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreements.rules import ADD_ON
from boss_kit.errors import FailedPrecondition, InvalidArgument

COLLECTING, READY, RUNNING, DONE, DISCARDED = "collecting", "ready", "running", "done", "discarded"
INCLUDED, EXCLUDED, CANCELLED, REFUSED, SKIPPED = "included", "excluded", "cancelled", "refused", "skipped"
CORPORATE = "Corporate"
SUSPENDED = ("Freeze", "Hold")
DAYS_MAX = 3650


@dataclass(frozen=True)
class Criteria:
    """Whom to look for; payments made within the dates keep an account out."""

    days_past_due: int
    minimum_minor: int
    paid_from: date | None = None
    paid_to: date | None = None
    exclude_corporate_add_ons: bool = False
    exclude_suspended: bool = False


@dataclass(frozen=True)
class OpenInvoice:
    """An open invoice of an agreement, as billing tells it."""

    account_id: UUID
    agreement_id: UUID
    due_date: date
    balance_minor: int


@dataclass(frozen=True)
class Debt:
    """What is past due for an agreement."""

    account_id: UUID
    agreement_id: UUID
    amount_minor: int
    oldest_due_date: date

    def days_past_due(self, today: date) -> int:
        """Count the days since its oldest open invoice was due."""
        return (today - self.oldest_due_date).days


@dataclass(frozen=True)
class Candidate:
    """What decides about an agreement that owes."""

    status: str
    group_type: str
    role: str
    paid_on: date | None


def check_criteria(criteria: Criteria) -> None:
    """Refuse criteria that can't be meant. Raises InvalidArgument."""
    if not 1 <= criteria.days_past_due <= DAYS_MAX:
        raise InvalidArgument.field("batch_cancel.days_past_due", f"must lie between 1 and {DAYS_MAX}.")
    if criteria.minimum_minor < 0:
        raise InvalidArgument.field("batch_cancel.minimum_amount", "must not be negative.")
    if (criteria.paid_from is None) != (criteria.paid_to is None):
        raise InvalidArgument.field("batch_cancel.paid_from_date", "and paid_to_date belong together; set both.")
    if criteria.paid_from and criteria.paid_to and criteria.paid_to < criteria.paid_from:
        raise InvalidArgument.field(
            "batch_cancel.paid_to_date", f"{criteria.paid_to} lies before {criteria.paid_from}."
        )


def check_reason(name: str, *, refunds: bool) -> None:
    """Refuse a reason that refunds: in a batch the balance stays owed. Raises FailedPrecondition."""
    if refunds:
        raise FailedPrecondition(
            "REASON_REFUNDS",
            f"reason: {name!r} refunds; a batch takes only reasons without refund.",
            metadata={"field": "batch_cancel.reason_id", "reason": name},
        )


def check_state(found: str, needed: str) -> None:
    """Refuse to confirm or discard a batch in another state. Raises FailedPrecondition."""
    if found != needed:
        raise FailedPrecondition(
            "BATCH_NOT_READY",
            f"The batch is {found}; only one that is {needed} can be confirmed or discarded.",
            metadata={"state": found},
        )


def check_rows(expected: int, found: int) -> None:
    """Refuse to confirm other rows than those that were looked at. Raises FailedPrecondition."""
    if expected != found:
        raise FailedPrecondition(
            "ROWS_CHANGED",
            f"expected_rows: {expected} agreements were to be cancelled, but {found} are included; look at them again.",
            metadata={"field": "expected_rows", "included": str(found)},
        )


def debts(invoices: Iterable[OpenInvoice], criteria: Criteria, today: date) -> Sequence[Debt]:
    """Add up what is past due by agreement; keep those that owe enough for long enough, the oldest first."""
    found: dict[UUID, Debt] = {}
    for one in invoices:
        if one.due_date >= today or one.balance_minor <= 0:
            continue
        before = found.get(one.agreement_id)
        amount = one.balance_minor + (before.amount_minor if before else 0)
        oldest = min(one.due_date, before.oldest_due_date) if before else one.due_date
        found[one.agreement_id] = Debt(one.account_id, one.agreement_id, amount, oldest)
    wanted = [
        one
        for one in found.values()
        if one.days_past_due(today) >= criteria.days_past_due and one.amount_minor >= criteria.minimum_minor
    ]
    return sorted(wanted, key=lambda one: (one.oldest_due_date, one.agreement_id))


def why_excluded(candidate: Candidate, criteria: Criteria) -> str:
    """Say why an agreement that owes is left out; empty for one that is in."""
    corporate = candidate.group_type == CORPORATE
    if corporate and candidate.role != ADD_ON:
        return "A corporate primary is never cancelled in a batch."
    if corporate and criteria.exclude_corporate_add_ons:
        return "Corporate add-ons are excluded."
    if criteria.exclude_suspended and candidate.status in SUSPENDED:
        return "Suspended agreements are excluded."
    if candidate.paid_on is not None:
        return f"A payment was made on {candidate.paid_on}."
    return ""
