"""Write off what is owed (SPEC BIL-11, COL-5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.ledger.rules import Code, Source
from boss_billing.movements.rules import Movement
from boss_billing.movements.sheet import Sheet
from boss_kit.errors import FailedPrecondition
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class CreateWriteOff:
    """A write-off of the named invoices, or of all open ones."""

    account: AccountRef
    invoice_ids: Sequence[UUID]
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
        sheet.reduce(invoice.id, invoice.balance_minor, (Code.WRITE_OFF, ""), movement.document)
    sheet.save()
    return movement
