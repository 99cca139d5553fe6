"""The day's cancellations, and the returns that billing makes for them."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from boss_agreements.agreements.queries import get_agreement
from boss_agreements.cancellations import store
from boss_agreements.cancellations.effects import take_effect, take_return
from boss_agreements.cancellations.queries import get_cancellation_of
from boss_agreements.cancellations.rules import RETURN_REQUESTED, ReturnLine, ReturnOrder
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.tasks import Task
from boss_kit.unit_of_work import UnitOfWork

PAGE = 500


class Returns(Protocol):
    """Who makes itemized returns."""

    def create_return(self, order: ReturnOrder) -> str:
        """Make a return; give its name. Raises FailedPrecondition if it can't be."""


def day_process(units: UnitOfWork) -> Callable[[Task], None]:
    """Make the process of a business date: cancel what is effective by then, page by page."""

    def process(task: Task) -> None:
        assert task.business_date is not None, "the job's task has a business date"
        after: UUID | None = None
        while True:
            with units.begin(task.context) as tx:
                due = store.due_on(tx.connection, task.enterprise_id, task.business_date, after, PAGE)
                take_effect(tx, task.business_date, task.enterprise_id, sorted({agreement for _, agreement in due}))
            if not due:
                return
            after = due[-1][0]

    return process


def return_process(units: UnitOfWork, returns: Returns) -> Callable[[Task], None]:
    """Make the process that has a return made: read, ask billing, keep its answer; repeatable from the start."""

    def process(task: Task) -> None:
        cancellation_id = UUID(str(task.args["cancellation_id"]))
        order = _order(units, task, cancellation_id)
        if order is None:
            return
        name, error = "", ""
        try:
            name = returns.create_return(order)
        except (FailedPrecondition, InvalidArgument, NotFound) as refused:
            error = refused.message
        with units.begin(task.context) as tx:
            take_return(tx, cancellation_id, name, error)

    return process


def _order(units: UnitOfWork, task: Task, cancellation_id: UUID) -> ReturnOrder | None:
    with units.read(task.context) as tx:
        one = get_cancellation_of(tx, task.enterprise_id, cancellation_id)
        owner = get_agreement(tx, one.enterprise_id, one.business_unit_id, one.agreement_id)
    if one.return_state != RETURN_REQUESTED:
        return None
    lines = {line.id: line for line in owner.lines}
    currency = owner.lines[0].price.currency
    items = [
        ReturnLine(
            f"{item.item}, cancelled as of {one.effective_date}",
            Money(item.return_amount_minor, currency),
            Money(item.return_tax_minor, currency),
            lines[item.line_id].item_category,
            item.item,
        )
        for item in one.lines
        if item.return_amount_minor or item.return_tax_minor
    ]
    return ReturnOrder(
        one.enterprise_id,
        one.business_unit_id,
        one.account_id,
        # What a rewritten agreement goes on with was paid for under the number before.
        None if owner.rewritten_from_id else one.agreement_id,
        items,
        one.return_destination,
        one.funding_source,
        f"Cancellation: {one.reason}",
        one.id,
        f"return/{one.return_attempts}",
    )
