"""Transfers: a movement of money is one row with a debit and a credit, balanced by its shape (SPEC BIL-10). Pure."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_kit.money import Money


class Code(StrEnum):
    """The accounts of the books."""

    CASH = "cash"
    CLEARING = "clearing"
    BANK = "bank"
    PROCESSOR_FEES = "processor_fees"
    RECEIVABLE = "receivable"
    ACCOUNT_CREDIT = "account_credit"
    TAX = "tax"
    OPENING_BALANCE = "opening_balance"
    REVENUE = "revenue"
    REFUNDS_IN_TRANSIT = "refunds_in_transit"
    ADJUSTMENTS = "adjustments"
    WRITE_OFF = "write_off"


class Source(StrEnum):
    """What moved the money."""

    BILL_RUN = "bill run"
    IMPORT = "import"
    PAYMENT = "payment"
    POINT_OF_SALE = "point of sale"
    CREDIT_APPLIED = "credit applied"
    DEPOSIT = "deposit"
    INVOICE = "invoice"
    RETURN = "return"
    REFUND = "refund"
    CREDIT = "credit"
    DEBIT = "debit"
    WRITE_OFF = "write-off"
    WRITE_OFF_REVERSAL = "write-off reversal"
    WAIVER = "waiver"
    CHARGEBACK = "chargeback"
    BANK_RETURN = "bank return"
    REVERSAL = "reversal"
    RETURNED_PAYMENT = "returned payment"


NO_ACCOUNT = UUID(int=0)
"""The account of what concerns no member, such as a deposit."""

Side = tuple[Code, str]
"""An account of the books with its detail: the tender or the item category, where the account has one."""

OWED: Side = (Code.RECEIVABLE, "")
CREDIT: Side = (Code.ACCOUNT_CREDIT, "")
TAX: Side = (Code.TAX, "")


@dataclass(frozen=True, slots=True)
class Document:
    """What explains a movement: its source, and the payment or the document it belongs to."""

    source: Source
    payment_id: UUID | None = None
    reference_id: UUID | None = None


class Transfer(NamedTuple):
    """One movement; the reference is the document that explains it, where invoice and payment don't."""

    account: AccountRef
    invoice_id: UUID | None
    payment_id: UUID | None
    debit: Code
    debit_detail: str
    credit: Code
    credit_detail: str
    amount_minor: int
    currency: str
    business_date: date
    source: Source
    reference_id: UUID | None = None


def charge(
    account: AccountRef,
    invoice_id: UUID,
    category: str,
    amount_minor: int,
    tax_minor: int,
    currency: str,
    day: date,
) -> list[Transfer]:
    """Book a line of an invoice: what is owed against revenue and tax."""
    owed = (account, invoice_id, None, Code.RECEIVABLE, "")
    found = []
    if amount_minor > 0:
        found.append(Transfer(*owed, Code.REVENUE, category, amount_minor, currency, day, Source.BILL_RUN))
    if tax_minor > 0:
        found.append(Transfer(*owed, Code.TAX, "", tax_minor, currency, day, Source.BILL_RUN))
    return found


def moved(
    account: AccountRef,
    debit: Side,
    credit: Side,
    amount: Money,
    day: date,
    of: Document,
    invoice_id: UUID | None = None,
) -> Transfer:
    """Book a movement between any two accounts of the books."""
    sides = (*debit, *credit, amount.amount_minor, amount.currency)
    return Transfer(account, invoice_id, of.payment_id, *sides, day, of.source, of.reference_id)


def opening(account: AccountRef, invoice_id: UUID, amount_minor: int, currency: str, day: date) -> Transfer:
    """Book what an account owed when it was imported."""
    owed = (account, invoice_id, None, Code.RECEIVABLE, "")
    return Transfer(*owed, Code.OPENING_BALANCE, "", amount_minor, currency, day, Source.IMPORT)


def receipt(
    account: AccountRef,
    invoice_id: UUID | None,
    payment_id: UUID,
    into: Code,
    tender: str,
    amount_minor: int,
    currency: str,
    day: date,
) -> Transfer:
    """Book money that came in: for an invoice, or as credit where there is none."""
    against = Code.RECEIVABLE if invoice_id is not None else Code.ACCOUNT_CREDIT
    source = Source.PAYMENT if into is Code.CLEARING else Source.POINT_OF_SALE
    return Transfer(account, invoice_id, payment_id, into, tender, against, "", amount_minor, currency, day, source)


def credit_applied(account: AccountRef, invoice_id: UUID, amount_minor: int, currency: str, day: date) -> Transfer:
    """Book credit that pays for a new invoice."""
    parts = (Code.ACCOUNT_CREDIT, "", Code.RECEIVABLE, "")
    return Transfer(account, invoice_id, None, *parts, amount_minor, currency, day, Source.CREDIT_APPLIED)


def deposited(
    account: AccountRef, source: str, tender: str, gross_minor: int, fee_minor: int, currency: str, day: date
) -> list[Transfer]:
    """Book what reached the bank, and the processor's fee, out of clearing; a deduction goes the other way."""
    found = []
    bank, clearing, fees = (Code.BANK, source), (Code.CLEARING, tender), (Code.PROCESSOR_FEES, tender)
    for place, amount in ((bank, gross_minor - fee_minor), (fees, fee_minor)):
        if amount != 0:
            ends = (*place, *clearing) if amount > 0 else (*clearing, *place)
            found.append(Transfer(account, None, None, *ends, abs(amount), currency, day, Source.DEPOSIT))
    return found
