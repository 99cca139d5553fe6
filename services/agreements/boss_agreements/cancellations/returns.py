"""What goes back to the customer, itemized: asked of billing, and what is left of an add-on that ends with its primary.

An add-on that follows its primary (SPEC AGR-6) ends without a request, but what was paid beyond its end goes back as if
it had been cancelled for that day (SPEC AGR-8). Its last bills may still be on their way then; so what goes back is
worked out from the terms it was sold on, kept, and settled when it has expired.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from boss_agreements.agreements.rules import LIVE, UNIT, AgreementLine
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import rules, store
from boss_agreements.cancellations.queries import Facts, facts_of
from boss_agreements.cancellations.rules import CancelledLine, Units
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.due_charges.rules import Charge, tax_on
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import Window
from boss_kit.days import ONE_DAY
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

RETURN_TASK = "cancellation-return"


def ask_for_return(tx: Transaction, one: Cancellation) -> Cancellation:
    """Have the return made by billing, by a task: a call is never inside a transaction."""
    attempt = one.return_attempts + 1
    tx.enqueue(RETURN_TASK, key=f"{one.id}/{attempt}", args={"cancellation_id": str(one.id)})
    return replace(one, status=rules.FINAL_INVOICED, return_state=rules.RETURN_REQUESTED, return_attempts=attempt)


def keep_return(tx: Transaction, day: date, before: Agreement, after: Agreement) -> None:
    """Write down what goes back for an add-on that ends on a day with its primary; `after` has the bills it owes."""
    enterprise_id = before.enterprise_id
    windows = suspensions.windows_of(tx.connection, enterprise_id, [before.id]).get(before.id, ())
    owed = {line.id: rules.charges_to_come(line, windows, date.max) for line in after.lines}
    running = [line for line in before.lines if line.state == LIVE and line.suspension_id is None]
    facts = facts_of(tx, enterprise_id, [line.id for line in running], day)
    items = [_returned(before, _ended(line, day - ONE_DAY), owed[line.id], windows, facts) for line in running]
    grants = any(line.basis == UNIT and owed[line.id] for line in running)
    if grants or any(item.return_amount_minor for item in items):
        store.add(tx.connection, _request(tx, before, day, items))


def settle_returns(tx: Transaction, day: date, expired: Sequence[Agreement]) -> None:
    """Have what is kept for expired add-ons go back as credit of their accounts, less what billing refused meanwhile.

    All are of one enterprise.
    """
    over = {one.id: one for one in expired}
    for kept in store.open_of(tx.connection, expired[0].enterprise_id, over) if over else ():
        if kept.reason_id == rules.FOLLOWED and kept.return_state == rules.NO_RETURN:
            store.save(tx.connection, _settled(tx, day, over[kept.agreement_id], kept))


def _settled(tx: Transaction, day: date, over: Agreement, kept: Cancellation) -> Cancellation:
    settled = replace(kept, lines=_settled_lines(tx, day, over, kept))
    if settled.return_total_minor:
        return ask_for_return(tx, replace(settled, return_destination=rules.CREDIT))
    return replace(settled, status=rules.COMPLETE, complete_date=day)


def _settled_lines(tx: Transaction, day: date, over: Agreement, one: Cancellation) -> tuple[CancelledLine, ...]:
    ids = [item.line_id for item in one.lines]
    lines = {line.id: line for line in over.lines}
    facts = facts_of(tx, over.enterprise_id, ids, day)
    refused = store.refused_since(tx.connection, over.enterprise_id, ids, one.create_time)
    settled = []
    for item in one.lines:
        line = lines[item.line_id]
        if line.basis == UNIT:
            settled.append(_returned(over, _ended(line, one.effective_date), (), (), facts))
            continue
        amount = Money(max(item.return_amount_minor - refused.get(line.id, 0), 0), line.price.currency)
        tax = tax_on(amount, line.tax_rate)
        settled.append(replace(item, return_amount_minor=amount.amount_minor, return_tax_minor=tax.amount_minor))
    return tuple(settled)


def _ended(line: AgreementLine, last_day: date) -> AgreementLine:
    return replace(line, final_date=min(line.final_date or last_day, last_day))


def _returned(
    owner: Agreement, line: AgreementLine, owed: Sequence[Charge], windows: Sequence[Window], facts: Facts
) -> CancelledLine:
    returned = rules.return_of(
        line,
        line.start_date or owner.start_date,
        [*facts.billed.get(line.id, ()), *rules.expected(owed)],
        -facts.split_off.get(line.id, 0),
        facts.units.get(line.id, Units()),
        windows,
        rules.PRORATED,
        full=False,
    )
    amount, tax = returned.amount.amount_minor, returned.tax.amount_minor
    return CancelledLine(line.id, line.item, line.quantity, False, None, 0, amount, tax, returned.units)


def _request(tx: Transaction, owner: Agreement, day: date, items: Sequence[CancelledLine]) -> Cancellation:
    """Make the request that nobody made: it took effect when its primary ended."""
    return Cancellation(
        id=new_id(),
        enterprise_id=owner.enterprise_id,
        business_unit_id=owner.business_unit_id,
        agreement_id=owner.id,
        account_id=owner.account_id,
        status=rules.FINAL_INVOICED,
        whole=False,
        effective_date=day - ONE_DAY,
        received_date=day,
        reason_id=rules.FOLLOWED,
        reason=rules.FOLLOWED_REASON,
        refunds=rules.PRORATED,
        comments="",
        exception_reason="",
        exception_value="",
        exception_comments="",
        funding_source="",
        status_before=owner.status,
        awaits_final_bill=False,
        actor=tx.context.actor.to_json(),
        create_time=tx.now,
        lines=tuple(items),
        effect_date=day,
    )
