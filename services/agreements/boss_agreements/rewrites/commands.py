"""Rewrite agreements: a copy with a new number takes over (SPEC AGR-9)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from boss_agreements.activities.commands import hand_over, take_back
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import entry, free_number, hold_day, lock_agreement, title
from boss_agreements.agreements.rules import CANCELLED, CANCELLED_LINE, EXPIRED, LIVE, is_recurring
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import rules as cancellations
from boss_agreements.cancellations import store as requests
from boss_agreements.cancellations.returns import ask_for_return
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.due_charges.commands import hold_closed_charges
from boss_agreements.history.commands import Change, record
from boss_agreements.history.rules import REWRITE, rewrite
from boss_agreements.members import store as members
from boss_agreements.rewrites import rules, store
from boss_agreements.rewrites.queries import RewriteAgreement, Rewritten, rewritten
from boss_agreements.timeline.store import tell
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction


def rewrite_agreement(tx: Transaction, command: RewriteAgreement) -> Rewritten:
    """Put a new agreement in the place of an old one; both know of each other.

    Raises NotFound, InvalidArgument, FailedPrecondition for what can't be rewritten or BILLING_IN_PROGRESS.
    """
    today = hold_day(tx, command.enterprise_id, command.business_unit_id)
    old = lock_agreement(tx, command.enterprise_id, command.business_unit_id, command.agreement_id)
    (owner,) = members.lock_members(tx.connection, old.enterprise_id, [old.member_id])
    made = rewritten(tx, command, old, today)
    running = [line for line in old.lines if line.state == LIVE]
    hold_closed_charges(tx, old.enterprise_id, old.business_unit_id, running, (), made.windows)
    after = replace(made.after, number=free_number(tx, old.enterprise_id, owner.external_id))
    made = replace(made, after=after)
    agreements.add(tx.connection, after)
    # What is paid in full again has only its new payment to give back.
    paid = [
        (was.id, line.id) for was, line in made.kept if was.term_end_date == line.term_end_date or is_recurring(was)
    ]
    store.copy_answers(tx.connection, old.enterprise_id, paid)
    hand_over(tx, old.enterprise_id, after.id, {was.id: line.id for was, line in made.kept})
    take_back(tx, today, old.enterprise_id, [line.id for line in made.removed], f"Rewritten: {made.reason.name}")
    before = _end(tx, old, after, today)
    for add_on in agreements.live_add_ons(tx.connection, old.enterprise_id, old.id):
        moved = replace(add_on, primary_agreement_id=after.id, version=add_on.version + 1)
        agreements.save(tx.connection, [moved])
    for request in made.replaced:
        requests.save(tx.connection, _replaced(request, today))
    _return(tx, made, command, today)
    tx.publish(before.changed(today), after.changed(today))
    _tell(tx, made, today)
    return replace(made, before=before)


def _end(tx: Transaction, old: Agreement, after: Agreement, today: date) -> Agreement:
    """End the old agreement: it bills no more and names the new one."""
    ended = [
        replace(rules.ended(line, today), state=CANCELLED_LINE, due_date=None)
        for line in old.lines
        if line.state == LIVE and line.suspension_id is None
    ]
    agreements.save_lines(tx.connection, old.enterprise_id, ended)
    status = EXPIRED if old.status == EXPIRED else CANCELLED
    before = replace(
        old,
        status=status,
        rewritten_to_id=after.id,
        pending_cancellation=False,
        cancel_date=None if status == EXPIRED else today,
        version=old.version + 1,
    )
    agreements.save(tx.connection, [before])
    return before


def _replaced(request: Cancellation, today: date) -> Cancellation:
    """Close a request past its final bill: the rewrite takes its place (SPEC AGR-9)."""
    return replace(
        request,
        status=cancellations.RESCINDED,
        effect_date=today,
        complete_date=today,
        return_state=cancellations.NO_RETURN,
        awaits_final_bill=False,
    )


def _return(tx: Transaction, made: Rewritten, command: RewriteAgreement, today: date) -> None:
    """Give the value of items that were taken out back as credit of the account, itemized."""
    if not any(item.return_amount_minor for item in made.returned):
        return
    old = made.before
    request = Cancellation(
        new_id(),
        old.enterprise_id,
        old.business_unit_id,
        old.id,
        old.account_id,
        cancellations.FINAL_INVOICED,
        False,
        today,
        today,
        made.reason.id,
        made.reason.name,
        cancellations.PRORATED,
        command.comments,
        "",
        "",
        "",
        "",
        old.status,
        False,
        tx.context.actor.to_json(),
        tx.now,
        tuple(made.returned),
        return_destination=cancellations.CREDIT,
        effect_date=today,
    )
    requests.add(tx.connection, request)
    requests.save(tx.connection, ask_for_return(tx, request))


def _tell(tx: Transaction, made: Rewritten, today: date) -> None:
    old, new = made.before, made.after
    actor = tx.context.actor
    summary = rewrite(old.number, old.display_name, new.number, new.display_name, today, made.reason.name, actor)
    record(tx, *[_change(one, today, summary, _notable(made)) for one in (old, new)])
    text = f"{title(old)} was rewritten as {title(new)}: {made.reason.name}."
    tell(tx, [entry(tx, new, today, text)])


def _change(one: Agreement, today: date, summary: str, notable: Sequence[str]) -> Change:
    return Change(one.enterprise_id, one.business_unit_id, one.id, today, REWRITE, summary, tuple(notable))


def _notable(made: Rewritten) -> Sequence[str]:
    kept = {line.id for _, line in made.kept}
    added = [line for line in made.after.lines if line.id not in kept]
    return [
        *(f"Item removed: {line.item}" for line in made.removed),
        *(f"Item added: {line.item}" for line in added),
        *([f"Location: {made.location}"] if made.location else []),
    ]
