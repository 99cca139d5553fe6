"""The sentences of the change history, word for word as text 003 has them (SPEC AGR-10). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from boss_kit.context import Actor
from boss_kit.money import Money

NEW_AGREEMENT = "New Agreement"
CANCELLATION = "Cancellation"
SIGNATURE_TYPE = "Signature Type"
SUSPENSION = "Suspension"
REWRITE = "Rewrite"
FUNDING_SOURCE = "Funding Source"
TYPES = (NEW_AGREEMENT, CANCELLATION, SIGNATURE_TYPE, SUSPENSION, REWRITE, FUNDING_SOURCE)

ELECTRONIC, MANUAL = "electronic", "manual"
SIGNED = {ELECTRONIC: "electronically signed", MANUAL: "manually signed"}
NO_END = "no end date"


@dataclass(frozen=True)
class PromotionEffect:
    """What a promotion does to the price of an item."""

    promotion: str
    item: str
    list_price: Money
    price: Money


@dataclass(frozen=True)
class FreezeFee:
    """A fee charged during a suspension; a recurring one comes with each bill date of the Key Item."""

    item: str
    amount: Money
    is_recurring: bool


@dataclass(frozen=True)
class FundingState:
    """A funding source as the history tells it."""

    tender: str
    last4: str
    expiry: tuple[int, int] | None
    is_valid: bool
    is_active: bool
    is_on_account: bool
    is_recurring: bool
    responsibility_percent: int

    @property
    def is_card(self) -> bool:
        """Tell a card from a bank account and from statement billing."""
        return self.tender not in ("ACH", "Manual")

    def in_words(self) -> str:
        """Name the source."""
        return f"{self.tender} ending in {self.last4}" if self.last4 else self.tender


def short_date(day: date) -> str:
    """Write a day as the text does: 6/1/14."""
    return f"{day.month}/{day.day}/{day.year % 100:02}"


def new_agreement(
    number: str, name: str, finalized: date, start: date, sales_advisors: Sequence[str], actor: Actor
) -> str:
    """Say that an agreement was finalized: the day of payment, and the start of the agreement."""
    advisors = f" Sales Advisor: {', '.join(sales_advisors)}." if sales_advisors else ""
    return (
        f"Agreement #{number} ({name}) was finalized on {short_date(finalized)} with a start date of "
        f"{short_date(start)} by {_who(actor, ', part of', 'at')}.{advisors}"
    )


def cancellation(
    number: str, name: str, status: str, effective: date, reason: str, received: date, actor: Actor
) -> str:
    """Say that an agreement is cancelled from a day on."""
    return (
        f"Agreement #{number} ({name}) status was changed from {status.lower()} to cancelled effective "
        f"{short_date(effective)} with a reason of {reason} which was received on {short_date(received)} and entered "
        f"by {_who(actor, ' part of', 'at')}{_approval(actor, ' part of', 'at location')}."
    )


def expired_with(number: str, name: str, status: str, effective: date, primary_number: str, primary_name: str) -> str:
    """Say that an add-on ends because its primary has expired; the text has no sentence for it."""
    return (
        f"Agreement #{number} ({name}) status was changed from {status.lower()} to expired effective "
        f"{short_date(effective)} with its primary Agreement #{primary_number} ({primary_name}), which expired."
    )


def items_cancelled(number: str, name: str, effective: date, reason: str, received: date, actor: Actor) -> str:
    """Say that items of an agreement that goes on are cancelled from a day on; the text has no sentence for it."""
    return (
        f"Agreement #{number} ({name}) had items cancelled effective {short_date(effective)} with a reason of {reason} "
        f"which was received on {short_date(received)} and entered by "
        f"{_who(actor, ' part of', 'at')}{_approval(actor, ' part of', 'at location')}."
    )


def signature(number: str, name: str, signature_type: str, day: date, actor: Actor) -> str:
    """Say how an agreement was signed: `electronic` or `manual`."""
    return (
        f"Agreement #{number} ({name}) was marked as {SIGNED[signature_type]} on {short_date(day)} by "
        f"{_who(actor, ' part of', 'at')}{_approval(actor, ' part of', 'at location')}."
    )


def suspension_started(
    number: str, name: str, status: str, suspension_type: str, start: date, reason: str, received: date, actor: Actor
) -> str:
    """Say that a freeze or hold took effect."""
    return (
        f"Agreement #{number} ({name}) status was changed from {status} to {suspension_type} effective "
        f"{short_date(start)} with a reason of {reason} which was received on {short_date(received)} and entered by "
        f"{_who(actor, ' part of', 'at location')}."
    )


def suspension_ended(
    number: str, name: str, suspension_type: str, status: str, end: date, reason: str, received: date, actor: Actor
) -> str:
    """Say that a freeze or hold ended, with its end date."""
    return (
        f"Agreement #{number} ({name}) status was changed from suspension status {suspension_type} to {status} "
        f"effective {short_date(end)} with a reason of {reason} which was received on {short_date(received)} and "
        f"entered by {_who(actor, ' part of', 'at location')}."
    )


def suspension_end_changed(
    number: str, name: str, before: date | None, after: date | None, received: date, actor: Actor
) -> str:
    """Say that the end date of a suspension was altered; an open one has no end date."""
    return (
        f"Agreement #{number} ({name}) suspension end date was changed from {_end(before)} to {_end(after)} which was "
        f"received on {short_date(received)} and entered by {_who(actor, ' part of', 'at')}"
        f"{_approval(actor, ' part of work role', 'at')}."
    )


def rewrite(number: str, name: str, new_number: str, new_name: str, effective: date, reason: str, actor: Actor) -> str:
    """Say that an agreement was rewritten as another one."""
    return (
        f"Agreement #{number} ({name}) was rewritten as #{new_number} ({new_name}) effective {short_date(effective)} "
        f"with a reason of {reason} by {_who(actor, ' part of', 'at')}{_approval(actor, ' part of', 'at location')}."
    )


def funding_source(number: str, name: str, before: str, after: str, actor: Actor) -> str:
    """Say that an agreement's funding source changed."""
    return (
        f"Agreement #{number} ({name}) funding source was changed from {before} to {after} by "
        f"{_who(actor, ' part of', 'at location')}{_approval(actor, ' part of work role', 'at')}."
    )


def promotion_notes(effects: Sequence[PromotionEffect]) -> tuple[str, ...]:
    """List the promotions of a sale and what they do to the price of each item."""
    return tuple(f"Promotion {one.promotion}: {one.item} {one.price} instead of {one.list_price}" for one in effects)


def cancellation_notes(items: Sequence[str], comments: str) -> tuple[str, ...]:
    """List the items a request cancels, and its comments."""
    return (*(f"Item cancelled: {item}" for item in items), *_comments(comments))


def items_ended(items: Sequence[str]) -> tuple[str, ...]:
    """List the items that end with an agreement."""
    return tuple(f"Item ended: {item}" for item in items)


def suspension_notes(
    items: Sequence[str],
    comments: str,
    *,
    adjustment_reason: str = "",
    credit_date: date | None = None,
    obligation: tuple[date, date] | None = None,
    fees: Sequence[FreezeFee] = (),
) -> tuple[str, ...]:
    """List what a suspension suspends, adjusts, moves (the obligation date from and to) and charges."""
    notes = [f"Item suspended: {item}" for item in items]
    notes += _comments(comments)
    if adjustment_reason:
        takes_effect = f", credit takes effect on {short_date(credit_date)}" if credit_date else ""
        notes.append(f"Adjustment reason: {adjustment_reason}{takes_effect}")
    if obligation and obligation[0] != obligation[1]:
        notes.append(f"obligation date was changed from {short_date(obligation[0])} to {short_date(obligation[1])}")
    for fee in fees:
        kind = "Recurring charge" if fee.is_recurring else "Freeze charge"
        notes.append(f"{kind}: {fee.item}, {fee.amount} during the suspension")
    return tuple(notes)


def card_updater_note(outcome: str) -> str:
    """Say what the card updater answered."""
    return f"Card updater: {outcome}"


def funding_notes(before: FundingState, after: FundingState) -> tuple[str, ...]:
    """List everything that differs between two states of a funding source."""
    notes = []
    if (before.tender, before.last4) != (after.tender, after.last4):
        notes.append(f"{_old_or_new(before, 'Old')}; {_old_or_new(after, 'New')}")
    if before.expiry != after.expiry:
        notes.append(f"expiration date was changed from {_expiry(before)} to {_expiry(after)}")
    flags = (
        (before.is_valid, after.is_valid, "Valid", "Invalid"),
        (before.is_active, after.is_active, "Active", "Inactive"),
        (before.is_on_account, after.is_on_account, "On Account", "not On Account"),
        (before.is_recurring, after.is_recurring, "Use for Recurring", "not Use for Recurring"),
    )
    notes += [f"Marked as {yes if now else no}" for was, now, yes, no in flags if was != now]
    if before.responsibility_percent != after.responsibility_percent:
        notes.append(
            f"% of responsibility was changed from {before.responsibility_percent}% to {after.responsibility_percent}%"
        )
    return tuple(notes)


def _who(actor: Actor, part: str, place: str) -> str:
    """Name somebody with role, location and workstation; what isn't known is left out."""
    role = f"{part} {actor.work_role}" if actor.work_role else ""
    location = f" {place} {actor.location}" if actor.location else ""
    workstation = f" on {actor.workstation}" if actor.workstation else ""
    return f"{actor.user}{role}{location}{workstation}"


def _approval(actor: Actor, part: str, place: str) -> str:
    return f" and approved by {_who(actor.approver, part, place)}" if actor.approver else ""


def _comments(comments: str) -> tuple[str, ...]:
    return (f"Comments: {comments.strip()}",) if comments.strip() else ()


def _end(day: date | None) -> str:
    return short_date(day) if day else NO_END


def _old_or_new(state: FundingState, word: str) -> str:
    kind = "Credit Card" if state.is_card else state.tender
    number = f" with account number ending in {state.last4}" if state.last4 else ""
    return f"{word} type {kind}{f' {state.tender}' if state.is_card else ''}{number}"


def _expiry(state: FundingState) -> str:
    return f"{state.expiry[0]:02}/{state.expiry[1]}" if state.expiry else "none"
