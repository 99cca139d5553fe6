"""Take money at the point of sale (SPEC BIL-12)."""

from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.ledger.rules import Code, Document, Source
from boss_billing.movements.rules import check_amount
from boss_billing.movements.sheet import Sheet
from boss_billing.payments import store
from boss_billing.payments.rules import Payment, PaymentKind
from boss_kit.errors import FailedPrecondition
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class TakePayment:
    """Money somebody hands over at the desk, for one invoice before the others where they name it."""

    account: AccountRef
    amount: Money
    tender: str
    invoice_id: UUID | None = None


def take_payment(tx: Transaction, command: TakePayment) -> UUID:
    """Pay the named invoice, then the oldest open ones, and keep the rest as credit; give the payment's id.

    Raises NotFound without the account or invoice, InvalidArgument for another currency or an amount that isn't above
    zero, FailedPrecondition if the named invoice isn't open.
    """
    sheet = Sheet(tx, command.account)
    check_amount(command.amount, sheet.account.currency)
    if command.invoice_id is not None:
        _require_open(sheet, command.invoice_id)
    amount = command.amount
    payment = Payment(new_id(), sheet.account.ref, PaymentKind.POINT_OF_SALE, amount.amount_minor, amount.currency)
    told = (tx.context.correlation, tx.now, command.invoice_id)
    store.add_desk_payment(tx.connection, payment, command.tender, sheet.day, *told)
    of = Document(Source.POINT_OF_SALE, payment_id=payment.id)
    sheet.pay(amount.amount_minor, (Code.CASH, command.tender), of, command.invoice_id)
    sheet.save()
    return payment.id


def _require_open(sheet: Sheet, invoice_id: UUID) -> None:
    invoice = sheet.invoice(invoice_id)
    if invoice.balance_minor == 0:
        raise FailedPrecondition(
            "INVOICE_NOT_OPEN",
            f"Invoice {invoice.number} is paid; leave the invoice out to pay what else is open, or to give credit.",
            metadata={"invoice": invoice.name},
        )
