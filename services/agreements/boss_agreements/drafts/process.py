"""The way of a sale through billing: agreed here, taken there, made here. Every step is repeatable."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from boss_agreements.drafts import rules, sales, store
from boss_agreements.drafts.commands import DraftName
from boss_agreements.drafts.rules import Bill, Invoiced
from boss_agreements.drafts.sales import Receipt
from boss_agreements.drafts.store import Draft
from boss_kit.context import Actor, Context
from boss_kit.errors import BossError
from boss_kit.tasks import Task, is_transient
from boss_kit.unit_of_work import UnitOfWork

LEFT_ALONE = timedelta(minutes=2)
PAGE = 100


class Desk(Protocol):
    """Billing, as a sale sees it; asked again with the same draft it gives the same answers."""

    def invoice(self, draft_id: UUID, bill: Bill) -> Invoiced | None:
        """Open the account where there is none and invoice what is due at sale, None where nothing is."""
        ...

    def pay(self, draft_id: UUID, bill: Bill, invoiced: Invoiced) -> str:
        """Take the payment of an invoice at the desk; give the payment's name."""
        ...


class Sales:
    """Sells drafts."""

    def __init__(self, units: UnitOfWork, desk: Desk) -> None:
        self._units = units
        self._desk = desk

    def agree(self, context: Context, name: DraftName) -> Receipt:
        """Fix the sale and let billing take what is due at sale; a sale that is done is left alone.

        What billing refuses leaves an open draft behind, to be mended; what it can't answer now is finished later.
        """
        with self._units.begin(context) as tx:
            draft = sales.begin_sale(tx, name)
        if draft.state == rules.FINALIZED or draft.sale is None:
            return Receipt(draft.invoice, draft.payment)
        bill = draft.sale.bill
        try:
            invoiced = self._desk.invoice(draft.id, bill)
        except BossError as refusal:
            if not is_transient(refusal):
                with self._units.begin(context) as tx:
                    sales.reopen(tx, name)
            raise
        if invoiced is None:
            return Receipt()
        is_paid_now = bill.tender != rules.ON_ACCOUNT and invoiced.balance.amount_minor > 0
        return Receipt(invoiced.invoice, self._desk.pay(draft.id, bill, invoiced) if is_paid_now else "")

    def finish(self, draft: Draft) -> None:
        """Finish a sale whose process died between billing's answer and the agreement, in its seller's name."""
        context = Context(draft.enterprise_id, Actor.from_json(draft.sold_by), correlation=str(draft.id))
        name = DraftName(draft.enterprise_id, draft.business_unit_id, draft.id)
        receipt = self.agree(context, name)
        with self._units.begin(context) as tx:
            sales.complete_sale(tx, name, receipt)


def finish_process(units: UnitOfWork, seller: Sales) -> Callable[[Task], None]:
    """Make the process that finishes the sales left half way, of all enterprises."""

    def process(task: Task) -> None:
        with units.read(task.context) as tx:
            left = store.on_their_way(tx.connection, tx.now - LEFT_ALONE, PAGE)
        for draft in left:
            seller.finish(draft)

    return process
