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
    ends = day - ONE_DAY
    items = [_returned(before, _ended(line, ends), owed[line.id], windows, facts) for line in running]
    grants = any(line.basis == UNIT and owed[line.id] for line in running)
    if grants or any(item.return_amount_minor for item in items):
        store.add(tx.connection, _request(tx, before, ends, items))


def settle_return(tx: Transaction, day: date, over: Agreement) -> None:
    """Have what is kept for an expired add-on go back as credit of its account, less what billing refused meanwhile."""
    for one in store.open_of(tx.connection, over.enterprise_id, [over.id]):
        if one.reason_id == rules.FOLLOWED and one.return_state == rules.NO_RETURN:
            settled = replace(one, lines=_settled(tx, day, over, one))
            if settled.return_total_minor:
                settled = ask_for_return(tx, replace(settled, return_destination=rules.CREDIT))
            else:
                settled = replace(settled, status=rules.COMPLETE, complete_date=day)
            store.save(tx.connection, settled)


def _settled(tx: Transaction, day: date, over: Agreement, one: Cancellation) -> tuple[CancelledLine, ...]:
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


def _request(tx: Transaction, owner: Agreement, ends: date, items: Sequence[CancelledLine]) -> Cancellation:
    today = ends + ONE_DAY
    return Cancellation(
        new_id(),
        owner.enterprise_id,
        owner.business_unit_id,
        owner.id,
        owner.account_id,
        rules.FINAL_INVOICED,
        False,
        ends,
        today,
        rules.FOLLOWED,
        rules.FOLLOWED_REASON,
        rules.PRORATED,
        "",
        "",
        "",
        "",
        "",
        owner.status,
        False,
        tx.context.actor.to_json(),
        tx.now,
        tuple(items),
        effect_date=today,
    )
