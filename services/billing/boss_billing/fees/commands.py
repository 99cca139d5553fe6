"""Waive fees by name (SPEC BIL-11)."""

from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.adjustments.commands import take_off
from boss_billing.adjustments.rules import check_owed
from boss_billing.invoices.rules import Kind
from boss_billing.ledger.rules import Source
from boss_billing.movements.rules import Movement
from boss_billing.movements.sheet import Sheet
from boss_kit.errors import FailedPrecondition
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class WaiveFee:
    """A fee to waive by the invoice it stands on; without an amount, all that is still owed of it."""

    account: AccountRef
    invoice_id: UUID
    amount: Money | None
    reason: str


def waive_fee(tx: Transaction, command: WaiveFee) -> Movement:
    """Take a fee and its tax off its invoice.

    Raises NotFound without account or invoice, InvalidArgument for an amount that can't be, FailedPrecondition if it is
    no fee or owes less, or without a needed approval.
    """
    sheet = Sheet(tx, command.account)
    invoice = sheet.invoice(command.invoice_id)
    if invoice.kind is not Kind.FEE:
        raise FailedPrecondition(
            "NOT_A_FEE",
            f"Invoice {invoice.number} is no fee; give a credit instead.",
            metadata={"invoice": invoice.name},
        )
    if invoice.balance_minor == 0:
        raise FailedPrecondition(
            "FEE_NOT_OPEN",
            f"Fee {invoice.number} is paid or waived already; give a paid one back by a return.",
            metadata={"invoice": invoice.name},
        )
    amount = command.amount or sheet.money(invoice.balance_minor)
    movement = sheet.record(Source.WAIVER, amount, command.reason, invoice_id=invoice.id)
    check_owed(invoice, amount)
    take_off(sheet, [(invoice, amount.amount_minor)], Source.WAIVER, movement)
    sheet.save()
    return movement
