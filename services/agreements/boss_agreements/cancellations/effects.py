"""What happens on the effective date of a cancellation, and with its return (SPEC AGR-7, AGR-8)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from boss_agreements.activities.commands import take_back
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import entry, title
from boss_agreements.agreements.rules import CANCELLED, CANCELLED_LINE, AgreementLine
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import rules, store
from boss_agreements.cancellations.queries import Facts, facts_of, get_cancellation
from boss_agreements.cancellations.returns import ask_for_return
from boss_agreements.cancellations.rules import CancelledLine, Units
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.due_charges.rules import next_charge
from boss_agreements.history.commands import Change, record
from boss_agreements.history.rules import CANCELLATION, cancellation, cancellation_notes, items_cancelled
from boss_agreements.organization.queries import get_unit
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.endings import end_with
from boss_agreements.suspensions.rules import Window
from boss_agreements.timeline.store import tell
from boss_kit.context import Actor
from boss_kit.days import ONE_DAY
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

STORY = "cancellation"


def take_effect(tx: Transaction, day: date, enterprise_id: UUID, agreement_ids: Sequence[UUID]) -> None:
    """Cancel the items of requests whose effective date has come, once their last bill is answered."""
    locked = {one.id: one for one in agreements.lock(tx.connection, enterprise_id, agreement_ids)}
    windows = suspensions.windows_of(tx.connection, enterprise_id, locked)
    due = [
        one
        for one in store.open_of(tx.connection, enterprise_id, locked)
        if one.effect_date is None and one.effective_date <= day
    ]
    facts = facts_of(tx, enterprise_id, [item.line_id for one in due for item in one.lines], day)
    for one in due:
        owner = locked[one.agreement_id]
        locked[owner.id] = _cancel(tx, day, owner, one, windows.get(owner.id, ()), facts)


def finalize_return(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, cancellation_id: UUID, destination: str, funding_source: str
) -> Cancellation:
    """Say where a return goes to and ask billing for it. Raises NotFound, FailedPrecondition, InvalidArgument."""
    found = get_cancellation(tx, enterprise_id, unit_id, cancellation_id)
    agreements.lock(tx.connection, enterprise_id, [found.agreement_id])
    one = get_cancellation(tx, enterprise_id, unit_id, cancellation_id)
    if one.return_state not in (rules.RETURN_DUE, rules.RETURN_REFUSED):
        raise FailedPrecondition(
            "NO_RETURN_DUE",
            "There is no return of this cancellation that waits to be finalized.",
            metadata={"return_state": one.return_state or "none"},
        )
    if destination == rules.FUNDING_SOURCE and not funding_source:
        raise InvalidArgument.field("funding_source", "is missing: choose the source the money goes back to.")
    rules.check_source(funding_source, one.account_id, "funding_source")
    asked = ask_for_return(tx, replace(one, return_destination=destination, funding_source=funding_source))
    store.save(tx.connection, asked)
    return asked


def take_return(tx: Transaction, cancellation_id: UUID, name: str, error: str) -> None:
    """Take billing's answer to a return: it is finalized, and the cancellation complete, or it is refused."""
    enterprise_id = tx.context.enterprise_id
    assert enterprise_id is not None
    found = store.find(tx.connection, enterprise_id, None, cancellation_id)
    assert found is not None
    (owner,) = agreements.lock(tx.connection, enterprise_id, [found.agreement_id])
    one = store.find(tx.connection, enterprise_id, None, cancellation_id)
    assert one is not None
    if one.return_state != rules.RETURN_REQUESTED:
        return
    day = tx.today(get_unit(tx, enterprise_id, one.business_unit_id).time_zone)
    total = Money(one.return_total_minor, owner.lines[0].price.currency)
    if error:
        store.save(tx.connection, replace(one, return_state=rules.RETURN_REFUSED, return_error=error[:1000]))
        text = f"The return of {total} for {title(owner)} was refused: {error}"
    else:
        done = replace(one, return_state=rules.RETURNED, return_name=name, return_error="")
        store.save(tx.connection, replace(done, status=rules.COMPLETE, complete_date=day))
        text = f"{total} went back to the customer for {title(owner)}: {one.return_destination}"
    tell(tx, [entry(tx, owner, day, text.rstrip(".") + ".", STORY)])


def _cancel(
    tx: Transaction, day: date, owner: Agreement, one: Cancellation, windows: Sequence[Window], facts: Facts
) -> Agreement:
    """Cancel the items of one request; give the agreement after it, unchanged while a bill is to come."""
    lines = {line.id: line for line in owner.lines if line.id in {item.line_id for item in one.lines}}
    if any(next_charge(line, windows) is not None for line in lines.values()):
        return owner
    items = tuple(_settled(owner, item, lines[item.line_id], one, windows, facts) for item in one.lines)
    ended = [replace(line, state=CANCELLED_LINE, due_date=None) for line in lines.values()]
    agreements.save_lines(tx.connection, owner.enterprise_id, ended)
    take_back(tx, one.effective_date + ONE_DAY, owner.enterprise_id, list(lines), f"Cancelled: {one.reason}")
    owner = replace(owner, lines=tuple(next((e for e in ended if e.id == line.id), line) for line in owner.lines))
    _record(tx, day, owner, one)
    if one.whole:
        owner = _end_agreement(tx, day, owner, one)
    done = replace(one, lines=items, effect_date=day, awaits_final_bill=False)
    if not done.return_total_minor:
        done = replace(done, status=rules.COMPLETE, complete_date=day)
    elif done.funding_source:
        done = ask_for_return(tx, replace(done, return_destination=rules.FUNDING_SOURCE))
    else:
        done = replace(done, status=rules.FINAL_INVOICED, return_state=rules.RETURN_DUE)
    store.save(tx.connection, done)
    return owner


def _end_agreement(tx: Transaction, day: date, owner: Agreement, one: Cancellation) -> Agreement:
    ended = replace(owner, status=CANCELLED, pending_cancellation=False, version=owner.version + 1)
    agreements.save(tx.connection, [ended])
    tx.publish(ended.changed(day))
    end_with(tx, day, [ended])
    text = f"{title(ended)} was cancelled; {one.effective_date} was the last paid day."
    tell(tx, [entry(tx, ended, day, text, STORY)])
    return ended


def _record(tx: Transaction, day: date, owner: Agreement, one: Cancellation) -> None:
    """Write a cancellation to the change history (SPEC AGR-10): of the agreement, or of items while it goes on."""
    number, name, actor = owner.number, owner.display_name, Actor.from_json(one.actor)
    summary = items_cancelled(number, name, one.effective_date, one.reason, one.received_date, actor)
    if one.whole:
        summary = cancellation(number, name, owner.status, one.effective_date, one.reason, one.received_date, actor)
    notes = cancellation_notes([_in_words(item) for item in one.lines], one.comments)
    record(tx, Change(owner.enterprise_id, owner.business_unit_id, owner.id, day, CANCELLATION, summary, notes))


def _settled(
    owner: Agreement,
    item: CancelledLine,
    line: AgreementLine,
    one: Cancellation,
    windows: Sequence[Window],
    facts: Facts,
) -> CancelledLine:
    """Compute what goes back for an item, now that all that is billed for it is known."""
    returned = rules.return_of(
        line,
        line.start_date or owner.start_date,
        facts.billed.get(line.id, ()),
        item.paid_before_minor - facts.split_off.get(line.id, 0),
        facts.units.get(line.id, Units()),
        windows,
        one.refunds,
        full=item.full_refund,
    )
    amount, tax = returned.amount.amount_minor, returned.tax.amount_minor
    return replace(item, return_amount_minor=amount, return_tax_minor=tax, return_units=returned.units)


def _in_words(item: CancelledLine) -> str:
    return item.item if item.quantity == 1 else f"{item.quantity} x {item.item}"
