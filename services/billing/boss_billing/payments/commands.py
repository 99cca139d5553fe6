"""Take money at the point of sale (SPEC BIL-12)."""

from dataclasses import dataclass, replace
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.commands import announce
from boss_billing.accounts.rules import Account, AccountRef
from boss_billing.invoices import store as invoices
from boss_billing.ledger import store as ledger
from boss_billing.ledger.rules import Code, receipt
from boss_billing.payments import store
from boss_billing.payments.rules import Payment, PaymentKind, allocate
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

AMOUNT_MINOR_MAX = 10**13


@dataclass(frozen=True)
class TakePayment:
    """Money somebody hands over at the desk."""

    account: AccountRef
    amount: Money
    tender: str


def take_payment(tx: Transaction, command: TakePayment) -> UUID:
    """Pay the oldest open invoices first, keep the rest as credit; give the payment's id.

    Raises NotFound without the account, InvalidArgument for another currency or an amount that isn't above zero.
    """
    account = _lock(tx, command.account)
    _check(account, command.amount)
    day = tx.today(account.time_zone)
    payment = Payment(
        new_id(), account.ref, PaymentKind.POINT_OF_SALE, command.amount.amount_minor, command.amount.currency
    )
    parts, credit = allocate(payment.amount_minor, invoices.open_of(tx.connection, account.ref))
    store.add_desk_payment(tx.connection, payment, command.tender, day, tx.context.correlation, tx.now)
    paid = [replace(invoice, balance_minor=invoice.balance_minor - part) for invoice, part in parts]
    invoices.save(tx.connection, account.ref.enterprise_id, paid)
    movements = [(invoice.id, part) for invoice, part in parts] + ([(None, credit)] if credit else [])
    into = (Code.CASH, command.tender)
    transfers = [
        receipt(account.ref, invoice_id, payment.id, *into, amount, payment.currency, day)
        for invoice_id, amount in movements
    ]
    ledger.add(tx.connection, transfers, tx.now)
    announce(tx, {account.ref.id: replace(account, credit_minor=account.credit_minor + credit)})
    return payment.id


def _lock(tx: Transaction, ref: AccountRef) -> Account:
    account = accounts.lock(tx.connection, ref.enterprise_id, [ref.id]).get(ref.id)
    if account is None or account.ref != ref:
        raise NotFound("ACCOUNT_NOT_FOUND", f"There is no account {ref.name}.", metadata={"account": ref.name})
    return account


def _check(account: Account, amount: Money) -> None:
    if amount.currency != account.currency:
        raise InvalidArgument.field("amount.currency_code", f"must be {account.currency}, the account's currency.")
    if not 0 < amount.amount_minor <= AMOUNT_MINOR_MAX:
        raise InvalidArgument.field("amount", "must be above zero, and no more than an account can owe.")
