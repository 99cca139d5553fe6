"""Write off what is owed, and take a write-off back (SPEC BIL-11, COL-5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.ledger.rules import Code, Side, Source
from boss_billing.movements import store as movements
from boss_billing.movements.rules import Movement
from boss_billing.movements.sheet import Sheet
from boss_billing.write_offs import store
from boss_kit.errors import FailedPrecondition, NotFound
from boss_kit.unit_of_work import Transaction

WRITTEN_OFF: Side = (Code.WRITE_OFF, "")


@dataclass(frozen=True)
class CreateWriteOff:
    """A write-off of the named invoices, or of all open ones."""

    account: AccountRef
    invoice_ids: Sequence[UUID]
    reason: str


@dataclass(frozen=True)
class ReverseWriteOff:
    """A write-off that is taken back, all of it."""

    account: AccountRef
    movement_id: UUID
    reason: str


def create_write_off(tx: Transaction, command: CreateWriteOff) -> Movement:
    """Give a coupon equal to the balance; credit of the account pays first.

    Raises NotFound without account or invoice, FailedPrecondition if nothing is owed or without a needed approval.
    """
    sheet = Sheet(tx, command.account)
    sheet.apply_credit()
    chosen = [sheet.invoice(one) for one in dict.fromkeys(command.invoice_ids)] or sheet.open_invoices
    total = sum(invoice.balance_minor for invoice in chosen)
    if total == 0:
        raise FailedPrecondition(
            "NOTHING_OWED",
            "There is nothing to write off: these invoices are paid.",
            metadata={"account": sheet.account.ref.name},
        )
    only = chosen[0].id if len(chosen) == 1 else None
    movement = sheet.record(Source.WRITE_OFF, sheet.money(total), command.reason, invoice_id=only)
    for invoice in chosen:
        sheet.reduce(invoice.id, invoice.balance_minor, WRITTEN_OFF, movement.document)
    sheet.save()
    return movement


def reverse_write_off(tx: Transaction, command: ReverseWriteOff) -> Movement:
    """Let what was written off be owed again as it was; credit of the account pays first.

    Raises NotFound without account or movement, FailedPrecondition for what isn't a write-off, for one that was taken
    back already, or without a needed approval.
    """
    sheet = Sheet(tx, command.account)
    write_off = _write_off(sheet, command.movement_id)
    reversal = sheet.record(
        Source.WRITE_OFF_REVERSAL,
        sheet.money(write_off.amount_minor),
        command.reason,
        invoice_id=write_off.invoice_id,
        origin_id=write_off.id,
    )
    for invoice_id, amount in store.written_off(tx.connection, write_off).items():
        sheet.restore(invoice_id, amount, WRITTEN_OFF, reversal.document)
    sheet.apply_credit()
    sheet.save()
    return reversal


def _write_off(sheet: Sheet, movement_id: UUID) -> Movement:
    connection, account = sheet.tx.connection, sheet.account.ref
    about = {"movement_id": str(movement_id)}
    found = movements.find(connection, account, movement_id)
    if found is None:
        raise NotFound("MOVEMENT_NOT_FOUND", f"There is no movement {movement_id} on this account.", metadata=about)
    if found.kind is not Source.WRITE_OFF:
        text = f"This movement is a {found.kind.value}; only a write-off is taken back this way."
        raise FailedPrecondition("NOT_A_WRITE_OFF", text, metadata=about | {"kind": found.kind.value})
    reversal_id = store.reversal_of(connection, found)
    if reversal_id is not None:
        text = "This write-off was taken back already; its invoices are owed again."
        name = f"{account.name}/movements/{reversal_id}"
        raise FailedPrecondition("WRITE_OFF_REVERSED", text, metadata=about | {"reversal": name})
    return found
