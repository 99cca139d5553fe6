"""Invoices, their lines and the facts about them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from boss_billing.accounts.rules import AccountRef, OpenItem
from boss_kit.ids import text_of

INVOICE_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}/invoices/{i}"
OPENING_BALANCE = "Opening balance"


class Kind(StrEnum):
    """Where an invoice comes from."""

    BILLED = "billed"
    OPENING_BALANCE = "opening balance"
    SALE = "sale"
    FEE = "fee"
    DEBIT = "debit"
    RETURNED_PAYMENT = "returned payment"


class DueCharge(NamedTuple):
    """A charge agreements says is due; `charge_key` names it for good (DESIGN 4)."""

    charge_key: str
    account_id: UUID
    agreement_id: UUID
    agreement_number: str
    due_date: date
    period_start_date: date | None
    period_end_date: date | None
    amount_minor: int
    tax_minor: int
    currency: str
    description: str
    item_category: str
    item: str

    @property
    def total_minor(self) -> int:
        """Give the amount with tax."""
        return self.amount_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line of an invoice to make outside a run; a fee may name the invoice it is for."""

    description: str
    item_category: str
    item: str
    amount_minor: int
    tax_minor: int = 0
    charge_key: str = ""
    period_start_date: date | None = None
    period_end_date: date | None = None
    principal_invoice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """An invoice to make outside a run; a due date to come is on account: the run of that day collects it.

    One that `is_declined` is past due at once, and no run collects it: it stands for a payment that was taken back.
    """

    account_id: UUID
    agreement_id: UUID | None
    kind: Kind
    due_date: date
    lines: Sequence[NewLine]
    id: UUID | None = None
    is_declined: bool = False

    @property
    def total_minor(self) -> int:
        """Give the total with tax."""
        return sum(line.amount_minor + line.tax_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class SkippedAgreement:
    """An agreement agreements doesn't charge although its day has come."""

    agreement_id: UUID
    agreement_number: str
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class BilledCharge:
    """A charge that is on an invoice already."""

    invoice_id: UUID
    amount_minor: int
    tax_minor: int


class Invoice(NamedTuple):
    """An invoice as a transaction works with it; `declines` counts final declines and steers the rebill schedule."""

    id: UUID
    account: AccountRef
    agreement_id: UUID | None
    number: str
    kind: Kind
    description: str
    invoice_date: date
    due_date: date
    currency: str
    total_minor: int
    balance_minor: int
    is_declined: bool = False
    attempts: int = 0
    failed_attempts: int = 0
    declines: int = 0
    next_attempt_date: date | None = None
    bill_run_id: UUID | None = None

    @property
    def name(self) -> str:
        """Give its resource name."""
        return f"{self.account.name}/invoices/{text_of(self.id)}"

    def attempted(self, payments: int) -> "Invoice":
        """Give it with so many more attempts, and none planned."""
        # As `replace` does, in half the time: a run does it for every invoice.
        return Invoice(
            self.id,
            self.account,
            self.agreement_id,
            self.number,
            self.kind,
            self.description,
            self.invoice_date,
            self.due_date,
            self.currency,
            self.total_minor,
            self.balance_minor,
            self.is_declined,
            self.attempts + payments,
            self.failed_attempts,
            self.declines,
            None,
            self.bill_run_id,
        )

    def paid(self, amount_minor: int) -> "Invoice":
        """Give the invoice with less to pay; another source's decline may have planned an attempt at what is left."""
        left = self.balance_minor - amount_minor
        return Invoice(
            self.id,
            self.account,
            self.agreement_id,
            self.number,
            self.kind,
            self.description,
            self.invoice_date,
            self.due_date,
            self.currency,
            self.total_minor,
            left,
            self.is_declined,
            self.attempts,
            self.failed_attempts,
            self.declines,
            self.next_attempt_date if left else None,
            self.bill_run_id,
        )

    @property
    def open_item(self) -> OpenItem:
        """Give what of it is owed."""
        return OpenItem(
            self.id,
            self.number,
            self.due_date,
            self.balance_minor,
            self.total_minor,
            self.is_declined,
            self.agreement_id,
        )


class InvoiceCreated(NamedTuple):
    """An invoice was made."""

    invoice: Invoice
    business_date: date


class ChargeBilled(NamedTuple):
    """A due charge is on an invoice."""

    account: AccountRef
    charge_key: str
    agreement_id: UUID
    invoice_id: UUID
    amount_minor: int
    currency: str
    business_date: date


@dataclass(frozen=True, slots=True)
class ChargeRefused:
    """A due charge can't be billed and won't be; the unit is the run's, the account may be nobody's."""

    account: AccountRef
    charge_key: str
    agreement_id: UUID
    reason: str
    business_date: date


class Refusal(StrEnum):
    """Why a charge isn't billed."""

    OTHER_AMOUNT = "OTHER_AMOUNT"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    NEGATIVE_AMOUNT = "NEGATIVE_AMOUNT"


REFUSAL_TEXTS = {
    Refusal.OTHER_AMOUNT: "This charge is on an invoice already, with another amount.",
    Refusal.UNKNOWN_ACCOUNT: "Billing knows no such account; import it first.",
    Refusal.OTHER_CURRENCY: "The charge isn't in the account's currency.",
    Refusal.NEGATIVE_AMOUNT: "A charge can't be below zero; give a credit instead.",
}


def refusal(charge: DueCharge, currency: str | None, billed: BilledCharge | None) -> Refusal | None:
    """Say why a charge can't be billed; None where it can, or is on an invoice with the same amount."""
    if currency is None:
        return Refusal.UNKNOWN_ACCOUNT
    if billed is not None:
        same = (billed.amount_minor, billed.tax_minor) == (charge.amount_minor, charge.tax_minor)
        return None if same else Refusal.OTHER_AMOUNT
    if charge.currency != currency:
        return Refusal.OTHER_CURRENCY
    if charge.amount_minor < 0 or charge.tax_minor < 0:
        return Refusal.NEGATIVE_AMOUNT
    return None


def group_by_invoice(charges: Sequence[DueCharge]) -> dict[tuple[UUID, UUID, date], list[DueCharge]]:
    """Group charges into invoices: one per agreement and due date, oldest first within an account (SPEC BIL-1)."""
    groups: dict[tuple[UUID, UUID, date], list[DueCharge]] = {}
    for charge in sorted(
        charges, key=lambda one: (one.account_id.int, one.due_date, one.agreement_number, one.charge_key)
    ):
        groups.setdefault((charge.account_id, charge.agreement_id, charge.due_date), []).append(charge)
    return groups
