"""Request, rescind and complete cancellations (SPEC AGR-6, AGR-7)."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import entry, hold_day, lock_agreement, title
from boss_agreements.agreements.rules import AgreementLine
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import rules, store
from boss_agreements.cancellations.effects import STORY, take_effect
from boss_agreements.cancellations.queries import Plan, RequestCancellation, get_cancellation, plan
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.due_charges.commands import hold_closed_charges
from boss_agreements.due_charges.rules import next_charge
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import Window
from boss_agreements.timeline.store import tell
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction


def request_cancellation(tx: Transaction, command: RequestCancellation) -> Cancellation:
    """Make a request; one for today takes effect at once, as far as nothing waits to be billed.

    Raises InvalidArgument, FailedPrecondition for days, items or a reason that can't be, an add-on that comes first,
    or BILLING_IN_PROGRESS.
    """
    today = hold_day(tx, command.enterprise_id, command.business_unit_id)
    agreement = lock_agreement(tx, command.enterprise_id, command.business_unit_id, command.agreement_id)
    planned = plan(tx, command, agreement, today)
    if planned.amount_due.amount_minor and planned.effective_date > today and not command.funding_source:
        raise InvalidArgument.field(
            "cancellation.funding_source",
            f"is missing: {planned.amount_due} goes back on {planned.effective_date}; choose the source it goes to.",
        )
    _save_lines(tx, planned)
    made = _made(tx, command, planned)
    store.add(tx.connection, made)
    if planned.whole:
        version = agreement.version + 1
        agreement = replace(agreement, version=version, pending_cancellation=True, cancel_date=made.effective_date)
        agreements.save(tx.connection, [agreement])
        tx.publish(agreement.changed(today))
    items = "" if planned.whole else f" of {', '.join(item.item for item in made.lines)}"
    text = f"A cancellation{items} in {title(agreement)} was requested, effective {made.effective_date}: {made.reason}."
    if planned.whole:
        text = f"The cancellation of {title(agreement)} was requested, effective {made.effective_date}: {made.reason}."
    tell(tx, [entry(tx, agreement, today, text, STORY)])
    if made.effective_date > today:
        return made
    take_effect(tx, today, made.enterprise_id, [agreement.id])
    return get_cancellation(tx, made.enterprise_id, made.business_unit_id, made.id)


def rescind_cancellation(tx: Transaction, enterprise_id: UUID, unit_id: UUID, cancellation_id: UUID) -> Cancellation:
    """Take a Future request back: its items go on as if it had never been made (SPEC AGR-7).

    Raises NotFound, FailedPrecondition for any other request, a primary that is being cancelled, or
    BILLING_IN_PROGRESS.
    """
    today = hold_day(tx, enterprise_id, unit_id)
    found = get_cancellation(tx, enterprise_id, unit_id, cancellation_id)
    agreement = lock_agreement(tx, enterprise_id, unit_id, found.agreement_id)
    one = get_cancellation(tx, enterprise_id, unit_id, cancellation_id)
    rules.check_rescind(one.status, one.effective_date, today)
    _check_primary(tx, agreement)
    windows = suspensions.windows_of(tx.connection, enterprise_id, [agreement.id]).get(agreement.id, ())
    ids = {item.line_id for item in one.lines}
    before = [line for line in agreement.lines if line.id in ids]
    after = [_due(replace(line, final_date=None), windows) for line in before]
    hold_closed_charges(tx, enterprise_id, unit_id, before, after, windows)
    agreements.save_lines(tx.connection, enterprise_id, after)
    rescinded = replace(one, status=rules.RESCINDED, awaits_final_bill=False)
    store.save(tx.connection, rescinded)
    if one.whole:
        agreement = replace(agreement, pending_cancellation=False, cancel_date=None, version=agreement.version + 1)
        agreements.save(tx.connection, [agreement])
        tx.publish(agreement.changed(today))
    tell(tx, [entry(tx, agreement, today, f"The cancellation of {title(agreement)} was rescinded.", STORY)])
    return rescinded


def _save_lines(tx: Transaction, planned: Plan) -> None:
    """Give the cancelled lines their last paid day. Raises FailedPrecondition BILLING_IN_PROGRESS."""
    owner, windows = planned.agreement, planned.windows
    changed = [_due(one.rest or one.after, windows) for one in planned.lines]
    added = [_due(one.after, windows) for one in planned.lines if one.rest is not None]
    before = [one.before for one in planned.lines]
    hold_closed_charges(tx, owner.enterprise_id, owner.business_unit_id, before, [*changed, *added], windows)
    agreements.save_lines(tx.connection, owner.enterprise_id, changed)
    agreements.add_lines(tx.connection, owner, added)


def _made(tx: Transaction, command: RequestCancellation, planned: Plan) -> Cancellation:
    owner = planned.agreement
    awaits = any(rules.bills_again(one.after, planned.windows) for one in planned.lines)
    return Cancellation(
        new_id(),
        owner.enterprise_id,
        owner.business_unit_id,
        owner.id,
        owner.account_id,
        rules.FUTURE,
        planned.whole,
        planned.effective_date,
        planned.received_date,
        planned.reason.id,
        planned.reason.name,
        planned.refunds,
        command.comments,
        command.exception_reason,
        command.exception_value,
        command.exception_comments,
        command.funding_source,
        owner.status,
        awaits,
        tx.context.actor.to_json(),
        tx.now,
        tuple(one.item for one in planned.lines),
    )


def _check_primary(tx: Transaction, agreement: Agreement) -> None:
    """Keep an add-on from outliving its primary (SPEC AGR-6). Raises FailedPrecondition."""
    if agreement.primary_agreement_id is None:
        return
    for primary in agreements.lock(tx.connection, agreement.enterprise_id, [agreement.primary_agreement_id]):
        if primary.pending_cancellation:
            raise FailedPrecondition(
                "PRIMARY_PENDING_CANCELLATION",
                f"The primary agreement {primary.number} is cancelled as of {primary.cancel_date}; rescind that first.",
                metadata={"agreement": str(primary.id), "number": primary.number},
            )


def _due(line: AgreementLine, windows: Sequence[Window]) -> AgreementLine:
    charge = next_charge(line, windows)
    return replace(line, due_date=charge.due_date if charge else None)
