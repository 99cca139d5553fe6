"""Give credits and charge debits (SPEC BIL-11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.adjustments import store
from boss_billing.adjustments.rules import check_owed
from boss_billing.invoices.rules import Invoice, Kind, NewInvoice, NewLine
from boss_billing.ledger.rules import TAX, Code, Source
from boss_billing.movements.rules import Movement, tax_part
from boss_billing.movements.sheet import Sheet
from boss_billing.payments.rules import allocate
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

CATEGORY = "Adjustments"


@dataclass(frozen=True)
class CreateCredit:
    """A credit, for one invoice or for the account."""

    account: AccountRef
    amount: Money
    invoice_id: UUID | None
    reason: str


@dataclass(frozen=True)
class CreateDebit:
    """A debit; it becomes an invoice of its own."""

    account: AccountRef
    amount: Money
    reason: str


def create_credit(tx: Transaction, command: CreateCredit) -> Movement:
    """Lower the named invoice, or the oldest open ones and then keep the rest as credit of the account.

    Raises NotFound without account or invoice, InvalidArgument for an amount that can't be, FailedPrecondition if the
    named invoice owes less, or without a needed approval.
    """
    sheet = Sheet(tx, command.account)
    amount = command.amount
    movement = sheet.record(Source.CREDIT, amount, command.reason, invoice_id=command.invoice_id)
    if command.invoice_id is not None:
        invoice = sheet.invoice(command.invoice_id)
        check_owed(invoice, amount)
        parts, rest = [(invoice, amount.amount_minor)], 0
    else:
        parts, rest = allocate(amount.amount_minor, sheet.open_invoices)
    take_off(sheet, parts, Source.CREDIT, movement)
    sheet.give_credit(rest, (Code.ADJUSTMENTS, Source.CREDIT), movement.document)
    sheet.save()
    return movement


def create_debit(tx: Transaction, command: CreateDebit) -> Movement:
    """Charge a debit on a new invoice, due at once.

    Raises NotFound without the account, InvalidArgument for an amount that can't be, FailedPrecondition without a
    needed approval.
    """
    sheet = Sheet(tx, command.account)
    invoice_id = new_id()
    movement = sheet.record(Source.DEBIT, command.amount, command.reason, invoice_id=invoice_id)
    line = NewLine(movement.reason, CATEGORY, CATEGORY, command.amount.amount_minor)
    new = NewInvoice(sheet.account.ref.id, None, Kind.DEBIT, sheet.day, [line], invoice_id)
    sheet.make_invoice(new, movement.document, (Code.ADJUSTMENTS, Source.DEBIT))
    sheet.save()
    return movement


def take_off(sheet: Sheet, parts: Sequence[tuple[Invoice, int]], kind: Source, movement: Movement) -> None:
    """Take amounts off invoices: tax goes back in proportion, the rest is an adjustment."""
    ids = [invoice.id for invoice, _ in parts]
    so_far = store.credited(sheet.tx.connection, sheet.account.ref, ids)
    for invoice, part in parts:
        of = so_far[invoice.id]
        tax = tax_part(part, of.total_minor, of.tax_minor, of.credited_minor, of.credited_tax_minor)
        sheet.reduce(invoice.id, tax, TAX, movement.document)
        sheet.reduce(invoice.id, part - tax, (Code.ADJUSTMENTS, kind), movement.document)
