"""Take payments back that a bank returned or a cardholder disputed, and what comes again (SPEC BIL-11, ARM-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.commands import announce
from boss_billing.accounts.rules import AccountRef
from boss_billing.chargebacks import store
from boss_billing.chargebacks.returned import Returned
from boss_billing.chargebacks.rules import (
    SOURCES,
    Chargeback,
    PaidPayment,
    ReturnKind,
    ReturnNotice,
    ReturnOutcome,
    ReturnTaken,
    about,
    refusal,
    take_back,
)
from boss_billing.ledger.rules import Document
from boss_billing.movements.sheet import Sheet
from boss_kit.errors import FailedPrecondition, NotFound
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class CreateChargeback:
    """A payment that was taken back, as staff enter it; without an amount, all that is left of it."""

    account: AccountRef
    payment_id: UUID
    kind: ReturnKind
    amount: Money | None
    code: str
    reason: str


@dataclass(frozen=True)
class ReverseChargeback:
    """A chargeback that was won, as staff enter it; without an amount, all that is left of it."""

    account: AccountRef
    chargeback_id: UUID
    amount: Money | None
    reason: str


def take_returns(tx: Transaction, notices: Sequence[ReturnNotice], *, by_staff: bool = False) -> Sequence[ReturnTaken]:
    """Take a page of returns, chargebacks and reversals, each once; tell of each what became of it.

    Returns are few and each depends on those before it, so they are taken one by one; accounts are told once.
    What staff enter needs a second person above the limit; what a processor tells has happened (SPEC BIL-11).
    Raises NotFound without an account, FailedPrecondition without a needed approval.
    """
    accounts = {one.account.id: one.account for one in notices}
    sheets = {one: Sheet(tx, accounts[one]) for one in sorted(accounts)}
    payments = store.payments(tx.connection, tx.enterprise_id, {one.payment_id for one in notices})
    taken = [_take(sheets[one.account.id], one, payments.get(one.payment_id), by_staff=by_staff) for one in notices]
    changed = {one.account.id for one, result in zip(notices, taken, strict=True) if result.movement_id is not None}
    announce(tx, {one: sheets[one].account for one in changed})
    return taken


def create_chargeback(tx: Transaction, command: CreateChargeback) -> UUID:
    """Take a payment back as staff enter it; give the movement's id.

    Raises NotFound without account or payment, FailedPrecondition if nothing is left of it, if it wasn't approved, or
    without a needed approval.
    """
    ref = command.account
    payment = store.payments(tx.connection, ref.enterprise_id, [command.payment_id]).get(command.payment_id)
    if payment is None or payment.account_id != ref.id:
        text = f"There is no payment {command.payment_id} on this account."
        raise NotFound("PAYMENT_NOT_FOUND", text, metadata={"payment_id": str(command.payment_id)})
    left = sum(store.parts_left(tx.connection, ref, payment.id).values())
    amount = command.amount or Money(left, payment.currency)
    key = f"staff/{new_id()}"
    notice = ReturnNotice(key, command.kind, payment.id, ref, amount, command.code, command.reason)
    return _by_staff(tx, notice)


def reverse_chargeback(tx: Transaction, command: ReverseChargeback) -> UUID:
    """Take what comes again of a chargeback as staff enter it; give the movement's id.

    Raises NotFound without account or chargeback, FailedPrecondition if nothing is left of it, or without a needed
    approval.
    """
    ref = command.account
    found = store.find(tx.connection, ref.enterprise_id, command.chargeback_id)
    if found is None or found.account != ref or found.kind is ReturnKind.REVERSAL:
        text = f"There is no chargeback {command.chargeback_id} on this account."
        raise NotFound("CHARGEBACK_NOT_FOUND", text, metadata={"movement_id": str(command.chargeback_id)})
    left = found.amount_minor - store.reversed_minor(tx.connection, found)
    amount = command.amount or Money(left, found.currency)
    key = f"staff/{new_id()}"
    about = ("", command.reason, found.return_key)
    return _by_staff(tx, ReturnNotice(key, ReturnKind.REVERSAL, found.payment_id, ref, amount, *about))


def _by_staff(tx: Transaction, notice: ReturnNotice) -> UUID:
    (one,) = take_returns(tx, [notice], by_staff=True)
    if one.movement_id is None:
        raise FailedPrecondition("CHARGEBACK_REFUSED", one.reason)
    return one.movement_id


def _take(sheet: Sheet, notice: ReturnNotice, payment: PaidPayment | None, *, by_staff: bool) -> ReturnTaken:
    tx = sheet.tx
    known = store.find_key(tx.connection, tx.enterprise_id, notice.return_key)
    if known is not None:
        return _again(notice, known)
    parts = store.parts_left(tx.connection, sheet.account.ref, notice.payment_id)
    original: Chargeback | None = None
    left = sum(parts.values())
    if notice.kind is ReturnKind.REVERSAL:
        original = _original(tx, notice)
        if original is None:
            return ReturnTaken(ReturnOutcome.REFUSED, "There is no chargeback it could reverse.")
        left = original.amount_minor - store.reversed_minor(tx.connection, original)
    reason = refusal(notice, payment, left)
    if reason or payment is None:
        return ReturnTaken(ReturnOutcome.REFUSED, reason)
    paid = {sheet.invoice(one) if one is not None else None: left for one, left in parts.items()}
    taken = take_back(notice.amount.amount_minor, paid) if original is None else []
    invoice_ids = [invoice.id for invoice, _ in taken if invoice is not None]
    if original is not None:
        invoice_ids = list(store.reopened(tx.connection, original))
    movement = sheet.record(
        SOURCES[notice.kind],
        notice.amount,
        notice.message or notice.code,
        invoice_id=about(invoice_ids, payment),
        payment_id=payment.id,
        origin_id=original.id if original is not None else None,
        by_staff=by_staff,
    )
    earlier = store.of_payment(tx.connection, tx.enterprise_id, payment.id)
    store.add(tx.connection, _chargeback(sheet, notice, movement.id))
    document = Document(movement.kind, payment.id, movement.id)
    if original is not None:
        _give_again(sheet, notice, payment, original, document)
    else:
        is_first = not any(one.kind is ReturnKind.RETURN for one in earlier)
        Returned(sheet, notice, payment, document).take_back(taken, tell=is_first)
    sheet.write()
    return ReturnTaken(ReturnOutcome.TAKEN, movement_id=movement.id)


def _again(notice: ReturnNotice, known: Chargeback) -> ReturnTaken:
    same = (known.kind, known.payment_id, known.amount_minor) == (
        notice.kind,
        notice.payment_id,
        notice.amount.amount_minor,
    )
    if same:
        return ReturnTaken(ReturnOutcome.REPEATED)
    return ReturnTaken(ReturnOutcome.REFUSED, "Another return was taken under the same key.")


def _original(tx: Transaction, notice: ReturnNotice) -> Chargeback | None:
    """Find the chargeback a reversal is about: the named one, else the newest that isn't reversed."""
    if notice.original_return_key:
        found = store.find_key(tx.connection, tx.enterprise_id, notice.original_return_key)
        is_fit = found is not None and found.payment_id == notice.payment_id and found.kind is not ReturnKind.REVERSAL
        return found if is_fit else None
    for one in store.of_payment(tx.connection, tx.enterprise_id, notice.payment_id):
        if one.kind is not ReturnKind.REVERSAL and store.reversed_minor(tx.connection, one) < one.amount_minor:
            return one
    return None


def _give_again(
    sheet: Sheet, notice: ReturnNotice, payment: PaidPayment, original: Chargeback, document: Document
) -> None:
    """Pay the invoices that the chargeback reopened; what they don't owe any more pays others, or is credit."""
    left = notice.amount.amount_minor
    for invoice_id, amount in store.reopened(sheet.tx.connection, original).items():
        part = min(left, amount, sheet.invoice(invoice_id).balance_minor)
        sheet.reduce(invoice_id, part, payment.side, document)
        left -= part
    sheet.pay(left, payment.side, document)


def _chargeback(sheet: Sheet, notice: ReturnNotice, movement_id: UUID) -> Chargeback:
    return Chargeback(
        movement_id,
        sheet.account.ref,
        notice.return_key,
        notice.kind,
        notice.payment_id,
        notice.amount.amount_minor,
        notice.amount.currency,
        notice.code,
        notice.message,
    )
