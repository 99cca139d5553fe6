"""Payments, their attempts, what a result makes of them, and money taken at the desk. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.declines.rules import Code
from boss_billing.invoices.rules import Invoice, Kind
from boss_kit.ids import text_of

PAYMENT_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}/payments/{p}"
DESK_TENDERS = ("CASH", "CHECK", "CARD")


class State(StrEnum):
    """Where a payment is in its life."""

    CREATED = "created"
    PENDING = "pending"
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"
    FINALLY_DECLINED = "finally_declined"
    NOT_ATTEMPTED = "not_attempted"


IN_FLIGHT = (State.CREATED, State.PENDING, State.UNKNOWN, State.DECLINED)
"""States without a final result; a decline the card updater may still cure is one."""


class PaymentKind(StrEnum):
    """What a payment is for (SPEC BIL-2)."""

    NEW = "New"
    ON_ACCOUNT = "On Account"
    PAST_DUE = "Past Due"
    POINT_OF_SALE = "Point of Sale"


SUBMITTED_KINDS = (PaymentKind.NEW, PaymentKind.ON_ACCOUNT, PaymentKind.PAST_DUE)


class Label(StrEnum):
    """An attempt's and a batch's place: the first try, or the one after the card updater (SPEC BIL-3)."""

    ORIGINAL = "Original"
    RETRY = "Retry"


class Verdict(StrEnum):
    """What a result makes of a payment."""

    APPROVED = "approved"
    NOT_ATTEMPTED = "not attempted"
    AWAITS_UPDATE = "awaits the card updater"
    FINALLY_DECLINED = "finally declined"


class Payment(NamedTuple):
    """A payment as facts tell of it."""

    id: UUID
    account: AccountRef
    kind: str
    amount_minor: int
    currency: str

    @property
    def name(self) -> str:
        """Give its resource name."""
        return f"{self.account.name}/payments/{text_of(self.id)}"


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt, its payment, and what was said of the payment so far."""

    id: UUID
    label: Label
    state: State
    invoice_id: UUID
    funding_source_id: UUID
    batch_id: UUID | None
    bill_run_id: UUID | None
    tender: str
    response_code: str
    response_message: str
    is_primary: bool
    payment_state: State
    payment: Payment
    correlation: str


class AttemptResult(NamedTuple):
    """What an attempt came to."""

    state: State
    code: str
    message: str
    transaction_id: str
    day: date


class PaymentResult(NamedTuple):
    """What a payment came to; no day while it isn't final."""

    state: State
    code: str
    message: str
    is_recovered: bool
    final_date: date | None
    next_attempt_date: date | None = None
    next_attempt_reason: str = ""


class PaymentSubmitted(NamedTuple):
    """A payment went to the processor; the kind of a retry is `Retry`."""

    payment: Payment
    business_date: date


class PaymentApproved(NamedTuple):
    """A payment was approved."""

    payment: Payment
    recovered_by_card_updater: bool
    business_date: date


class PaymentDeclined(NamedTuple):
    """A payment was finally declined: once per payment (SPEC BIL-7)."""

    payment: Payment
    primary: bool
    code: str
    message: str
    arm_entry: bool
    tender: str
    business_date: date


def verdict(code: Code, label: Label, *, card_updater: bool) -> Verdict:
    """Say what a result makes of a payment (SPEC BIL-5, BIL-7).

    Only a pending retry by the card updater delays a final decline. A retry that was never tried leaves the original's
    decline as the last word.
    """
    if code.is_good:
        return Verdict.APPROVED
    if not code.is_tried:
        return Verdict.NOT_ATTEMPTED if label is Label.ORIGINAL else Verdict.FINALLY_DECLINED
    if label is Label.ORIGINAL and card_updater and code.is_updatable:
        return Verdict.AWAITS_UPDATE
    return Verdict.FINALLY_DECLINED


def kind_of(invoice: Invoice, bill_run_id: UUID) -> PaymentKind:
    """Name the kind of a payment for an invoice in a run (SPEC BIL-2)."""
    if invoice.declines > 0 or invoice.kind is Kind.OPENING_BALANCE:
        return PaymentKind.PAST_DUE
    return PaymentKind.NEW if invoice.bill_run_id == bill_run_id else PaymentKind.ON_ACCOUNT


def allocate(amount_minor: int, invoices: Sequence[Invoice]) -> tuple[list[tuple[Invoice, int]], int]:
    """Spread money over open invoices, oldest first; give the parts and what is left as credit (SPEC BIL-12)."""
    parts = []
    left = amount_minor
    for invoice in sorted(invoices, key=lambda one: (one.due_date, len(one.number), one.number)):
        part = min(left, invoice.balance_minor)
        if part > 0:
            parts.append((invoice, part))
            left -= part
    return parts, left
