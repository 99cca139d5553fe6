"""What a callback may be about, and whether it fits what we know (SPEC BIL-8). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.declines.rules import NO_UPDATE, PARTLY_APPROVED
from boss_billing.funding.rules import Inquiry, UpdateOutcome
from boss_billing.payments.rules import OpenAttempt, State
from boss_billing.refunds.rules import ON_ITS_WAY, Refund
from boss_kit.money import Money

AWAITING = (State.CREATED, State.PENDING, State.UNKNOWN)


class CallbackKind(StrEnum):
    """What a callback is about."""

    PAYMENT_RESULT = "payment_result"
    ACCOUNT_UPDATE = "account_update"
    PAYMENT_RETURN = "payment_return"
    REFUND_RESULT = "refund_result"
    DEPOSIT = "deposit"


class CallbackState(StrEnum):
    """What became of a callback; `received` is kept but not yet applied, `unmatched` is matched when it can be."""

    RECEIVED = "received"
    APPLIED = "applied"
    UNMATCHED = "unmatched"
    EXCEPTION = "exception"
    RESOLVED = "resolved"


OPEN = (CallbackState.UNMATCHED, CallbackState.EXCEPTION)
"""What is listed until somebody or something resolves it."""


class Resolution(StrEnum):
    """What a person makes of a callback that doesn't fit."""

    AS_REPORTED = "as reported"
    AS_SUBMITTED = "as submitted"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class ResultCallback:
    """A processor's result of one attempt; without an amount it says nothing about it."""

    callback_id: str
    attempt_id: str
    transaction_id: str
    code: str
    message: str
    amount: Money | None


@dataclass(frozen=True, slots=True)
class RefundCallback:
    """A processor's result of one refund; without an amount it says nothing about it."""

    callback_id: str
    refund_id: str
    transaction_id: str
    code: str
    message: str
    amount: Money | None


@dataclass(frozen=True, slots=True)
class UpdateCallback:
    """A card updater's answer to one inquiry, or what it says unasked of the sources with a token."""

    callback_id: str
    inquiry_id: str
    outcome: UpdateOutcome | None
    token: str
    last4: str
    expiry_month: int
    expiry_year: int
    current_token: str = ""


@dataclass(frozen=True, slots=True)
class ReturnCallback:
    """A bank's return of a debit, a chargeback, or the reversal of one; without an amount it is about all of it."""

    callback_id: str
    attempt_id: str
    transaction_id: str
    kind: ReturnKind
    code: str
    message: str
    amount: Money | None
    return_date: date | None


@dataclass(frozen=True, slots=True)
class DepositCallback:
    """What a processor says it paid out; a batch number of 0 names none."""

    callback_id: str
    source: str
    statement: str
    deposit_date: date
    batch_number: int
    label: str
    tender: str
    gross_minor: int
    fee_minor: int
    currency: str
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A callback as it is kept: what it is about, what it says, and the story it came with."""

    callback_id: str
    subject_id: UUID | None
    body: Mapping[str, object]
    correlation: str


@dataclass(frozen=True, slots=True)
class Fit:
    """What is to become of a callback, and why."""

    state: CallbackState
    reason: str = ""


APPLY = Fit(CallbackState.APPLIED)
CONTRADICTS = Fit(CallbackState.EXCEPTION, "A callback with the same id said something else before.")
TWICE = Fit(CallbackState.EXCEPTION, "Another callback of the same page is about the same thing.")


def fit_result(result: ResultCallback, attempt: OpenAttempt | None) -> Fit:
    """Compare a result with the attempt it names (SPEC BIL-8): what doesn't fit is kept, never applied."""
    if attempt is None:
        return Fit(CallbackState.UNMATCHED, f"No attempt has the id {result.attempt_id[:60]!r}.")
    payment, told = attempt.payment, result.amount
    if told is not None and (told.amount_minor != payment.amount_minor or told.currency != payment.currency):
        asked = Money(payment.amount_minor, payment.currency)
        return Fit(CallbackState.EXCEPTION, f"{asked} was asked for, the result is about {told}.")
    if attempt.state in AWAITING:
        return fit_code(result.code, told)
    return Fit(
        CallbackState.EXCEPTION,
        f"The attempt has a result already ({attempt.state.value}), this one says {result.code}.",
    )


def fit_code(code: str, told: Money | None) -> Fit:
    """Refuse a good code that doesn't say what money came or went: it is good of something else, or of a part."""
    if code == NO_UPDATE:
        return Fit(CallbackState.EXCEPTION, f"{code} is an answer of the card updater, and says nothing of money.")
    if code == PARTLY_APPROVED and told is None:
        return Fit(CallbackState.EXCEPTION, f"{code} approves a part, and the result doesn't say how much.")
    return APPLY


def fit_return(returned: ReturnCallback, attempt: OpenAttempt | None) -> Fit:
    """Compare a return with the attempt it names: one that is faster than the result waits for it."""
    if attempt is None:
        return Fit(CallbackState.UNMATCHED, f"No attempt has the id {returned.attempt_id[:60]!r}.")
    if attempt.state in AWAITING:
        return Fit(CallbackState.UNMATCHED, "The payment has no result yet; the return waits for it.")
    if attempt.state is not State.APPROVED:
        return Fit(CallbackState.EXCEPTION, f"The attempt was never approved ({attempt.state.value}).")
    return APPLY


def fit_refund(result: RefundCallback, refund: Refund | None) -> Fit:
    """Compare a result with the refund it names: what doesn't fit is kept, never applied."""
    if refund is None:
        return Fit(CallbackState.UNMATCHED, f"No refund has the id {result.refund_id[:60]!r}.")
    asked = Money(refund.amount_minor, refund.currency)
    if result.amount is not None and result.amount != asked:
        return Fit(CallbackState.EXCEPTION, f"{asked} was to go back, the result is about {result.amount}.")
    if refund.state in ON_ITS_WAY:
        return fit_code(result.code, result.amount)
    text = f"The refund has a result already ({refund.state.value}), this one says {result.code}."
    return Fit(CallbackState.EXCEPTION, text)


def fit_update(update: UpdateCallback, inquiry: Inquiry | None) -> Fit:
    """Compare an answer of the card updater with the inquiry it names."""
    if inquiry is None:
        return Fit(CallbackState.UNMATCHED, f"No inquiry has the id {update.inquiry_id[:60]!r}.")
    if inquiry.state == "answered":
        return Fit(CallbackState.EXCEPTION, "The inquiry has an answer already.")
    return fit_said(update)


def fit_news(update: UpdateCallback, sources: int) -> Fit:
    """Compare what the card updater says unasked with the sources that have the token it names."""
    if sources == 0:
        return Fit(CallbackState.UNMATCHED, "No funding source has the token it is about.")
    return fit_said(update)


def fit_said(update: UpdateCallback) -> Fit:
    """Refuse an update that lacks what it says is new."""
    if update.outcome is None:
        return Fit(CallbackState.EXCEPTION, "The answer has no outcome.")
    if update.outcome is UpdateOutcome.NEW_NUMBER and not update.token:
        return Fit(CallbackState.EXCEPTION, "The answer says there is a new number, but has no token.")
    if update.outcome is UpdateOutcome.NEW_EXPIRY and not (1 <= update.expiry_month <= 12 and update.expiry_year > 0):
        return Fit(CallbackState.EXCEPTION, "The answer says there is a new expiry, but has none.")
    return APPLY
