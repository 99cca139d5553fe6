"""What a return, a chargeback and its reversal are, and what they take back first. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.rules import Invoice
from boss_billing.ledger.rules import Code, Side, Source
from boss_billing.payments.rules import PaymentKind
from boss_kit.money import Money


class ReturnKind(StrEnum):
    """How money went, or came again."""

    RETURN = "bank return"
    CHARGEBACK = "chargeback"
    REVERSAL = "reversal"


SOURCES = {
    ReturnKind.RETURN: Source.BANK_RETURN,
    ReturnKind.CHARGEBACK: Source.CHARGEBACK,
    ReturnKind.REVERSAL: Source.REVERSAL,
}


class ReturnOutcome(StrEnum):
    """What became of a notice."""

    TAKEN = "taken"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ReturnNotice:
    """What a processor or staff tell of an approved payment; the key is the teller's own, the same for each repeat."""

    return_key: str
    kind: ReturnKind
    payment_id: UUID
    account: AccountRef
    amount: Money
    code: str = ""
    message: str = ""
    original_return_key: str = ""
    correlation: str = ""


@dataclass(frozen=True, slots=True)
class ReturnTaken:
    """What became of a notice, why it was refused, and the movement it led to."""

    outcome: ReturnOutcome
    reason: str = ""
    movement_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Chargeback:
    """A notice that was taken; its id is that of its movement."""

    id: UUID
    account: AccountRef
    return_key: str
    kind: ReturnKind
    payment_id: UUID
    amount_minor: int
    currency: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PaidPayment:
    """A payment as somebody wants it back."""

    id: UUID
    account_id: UUID
    kind: str
    tender: str
    amount_minor: int
    currency: str
    is_approved: bool
    is_primary: bool
    funding_source_id: UUID | None
    invoice_id: UUID | None

    @property
    def is_desk(self) -> bool:
        """Tell whether it was taken at the point of sale."""
        return self.kind == PaymentKind.POINT_OF_SALE

    @property
    def side(self) -> Side:
        """Name the account of the books its money went to."""
        return (Code.CASH if self.is_desk else Code.CLEARING, self.tender)


def refusal(notice: ReturnNotice, payment: PaidPayment | None, left_minor: int) -> str:
    """Say why a notice can't be taken; empty where it can."""
    if payment is None or payment.account_id != notice.account.id:
        return "There is no such payment on this account."
    if not payment.is_approved:
        return "The payment wasn't approved, so nothing can come back of it."
    if notice.amount.currency != payment.currency:
        return f"The payment is in {payment.currency}, the notice in {notice.amount.currency}."
    left = Money(left_minor, payment.currency)
    if not 0 < notice.amount.amount_minor <= left_minor:
        return f"{notice.amount} is more than what is left of it, {left}."
    return ""


def about(invoice_ids: Sequence[UUID], payment: PaidPayment) -> UUID | None:
    """Name the invoice a return is about: the only one it is of, else the one its payment was for, if any."""
    return invoice_ids[0] if len(invoice_ids) == 1 else payment.invoice_id


def take_back(amount_minor: int, parts: Mapping[Invoice | None, int]) -> Sequence[tuple[Invoice | None, int]]:
    """Spread what goes back over what the payment paid: what became credit first, then the newest invoice.

    Of those due on one day the one with the higher number is newer.
    """

    def age(part: tuple[Invoice | None, int]) -> tuple[bool, date, int, str]:
        invoice = part[0]
        if invoice is None:
            return (True, date.max, 0, "")
        return (False, invoice.due_date, len(invoice.number), invoice.number)

    taken, left = [], amount_minor
    for invoice, paid in sorted(parts.items(), key=age, reverse=True):
        part = min(left, paid)
        if part > 0:
            taken.append((invoice, part))
            left -= part
    return taken
