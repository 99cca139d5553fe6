"""End what hangs on agreements that are over: suspensions, requests to cancel, add-ons that follow (SPEC AGR-6)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from boss_agreements.activities.commands import take_back
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import entry, save_statuses, title
from boss_agreements.agreements.rules import EXPIRED, LIVE, LIVE_STATUSES, has_ended, term_is_over
from boss_agreements.agreements.store import Agreement
from boss_agreements.cancellations import store as requests
from boss_agreements.cancellations.returns import keep_return, settle_returns
from boss_agreements.cancellations.rules import NO_RETURN
from boss_agreements.cancellations.rules import RESCINDED as REQUEST_RESCINDED
from boss_agreements.due_charges import store as closed_days
from boss_agreements.due_charges.rules import cut_short, next_charge
from boss_agreements.groups.queries import followed
from boss_agreements.history.commands import Change, record
from boss_agreements.history.rules import CANCELLATION, expired_with, items_ended
from boss_agreements.suspensions import coverage, fees, rules, store, told
from boss_agreements.suspensions.coverage import SuspendedAgreement
from boss_agreements.suspensions.rules import SuspensionEnded
from boss_agreements.suspensions.store import Suspension
from boss_agreements.timeline.store import tell
from boss_kit.days import ONE_DAY
from boss_kit.unit_of_work import Transaction

OPEN = (rules.RUNNING, rules.PENDING)
ON_EXPIRY = "on_expiry"


def end_with(tx: Transaction, day: date, over: Sequence[Agreement]) -> None:
    """End what suspends agreements that are over: expired, cancelled or rewritten. The agreements are locked."""
    if not over:
        return
    enterprise_id, by_id = over[0].enterprise_id, {one.id: one for one in over}
    open_parts = [
        part
        for parts in coverage.of_agreements(tx.connection, enterprise_id, by_id).values()
        for part in parts
        if part.status in OPEN
    ]
    headers = {
        one.id: one for one in store.lock(tx.connection, enterprise_id, {part.suspension_id for part in open_parts})
    }
    going_on = {
        part.suspension_id
        for part in coverage.parts_of(tx.connection, enterprise_id, headers)
        if part.status in OPEN and part.agreement_id not in by_id
    }
    changed, parts = [], []
    for part in open_parts:
        one, agreement = headers[part.suspension_id], by_id[part.agreement_id]
        if part.status == rules.RUNNING:
            ended = replace(part, status=rules.COMPLETED, end_date=max(day, part.start_date))
            # Only this agreement is back; a member's suspension goes on with the others.
            tell_end(tx, day, replace(one, applied_to=rules.AGREEMENT), ended, agreement, repeated=False)
        else:
            ended = replace(part, status=rules.RESCINDED)
        parts.append(ended)
        if one.applied_to == rules.AGREEMENT and one.id not in going_on:
            changed.append(replace(one, status=ended.status, end_date=ended.end_date))
        _close_fees(tx, agreement, ended)
    store.save(tx.connection, changed)
    coverage.save_parts(tx.connection, parts)
    coverage.mark_pending(tx.connection, enterprise_id, by_id)


def expire(tx: Transaction, day: date, expired: Sequence[Agreement], locked: Sequence[Agreement]) -> None:
    """End what hangs on agreements that have just expired, and what of the other locked ones outlives their term."""
    end_with(tx, day, expired)
    _close_requests(tx, day, expired)
    _take_back(tx, day, expired)
    over = {one.id for one in expired}
    for one in locked:
        if one.id not in over and one.status in LIVE_STATUSES and term_is_over(day, one.lines):
            _cut(tx, min(day, one.term_end_date or day), one)
    _follow(tx, day, expired)


def _follow(tx: Transaction, day: date, expired: Sequence[Agreement]) -> None:
    """End the add-ons of expired agreements whose group says so; what was due before waits for its answer first."""
    if not expired:
        return
    enterprise_id, primaries = expired[0].enterprise_id, {one.id: one for one in expired}
    ids = agreements.add_on_ids(tx.connection, enterprise_id, primaries)
    if not ids:
        return
    found = agreements.lock(tx.connection, enterprise_id, ids)
    heads = {one.primary_agreement_id for one in found}
    follow = followed(tx, [one for one in expired if one.id in heads], ON_EXPIRY)
    add_ons = [one for one in found if one.primary_agreement_id in follow and not one.is_cancelled_before(day)]
    end_with(tx, day, add_ons)
    _close_requests(tx, day, add_ons)
    after = [_cut(tx, day, replace(one, pending_cancellation=False, cancel_date=None)) for one in add_ons]
    agreements.save(tx.connection, after)
    for one, cut in zip(add_ons, after, strict=True):
        assert one.primary_agreement_id is not None
        keep_return(tx, day, one, cut)
        _tell_follower(tx, day, one, primaries[one.primary_agreement_id])
    expire(tx, day, save_statuses(tx, day, after, {}), after)


def _cut(tx: Transaction, day: date, one: Agreement) -> Agreement:
    """End on a day the term of all that runs of an agreement; what is being billed by now is still owed."""
    closed = closed_days.newest_closed(tx.connection, one.enterprise_id, one.business_unit_id)
    until = day if closed is None else max(day, closed + ONE_DAY)
    windows = store.windows_of(tx.connection, one.enterprise_id, [one.id]).get(one.id, ())
    lines = []
    for before in one.lines:
        line = before
        if line.state == LIVE and not has_ended(line, day):
            line = cut_short(line, windows, until)
            charge = next_charge(line, windows)
            line = replace(line, due_date=charge.due_date if charge else None)
        lines.append(line)
    agreements.save_lines(tx.connection, one.enterprise_id, [line for line in lines if line not in one.lines])
    return replace(one, lines=tuple(lines))


def _take_back(tx: Transaction, day: date, expired: Sequence[Agreement]) -> None:
    """Take back what is left of the activities of add-ons that have expired with their primary (SPEC AGR-11).

    What was paid beyond their end goes back first: it counts the units that are left.
    """
    ids = {one.primary_agreement_id for one in expired if one.primary_agreement_id is not None}
    if not ids:
        return
    enterprise_id = expired[0].enterprise_id
    over = [one for one in agreements.find_all(tx.connection, enterprise_id, ids) if one.status == EXPIRED]
    follow = followed(tx, over, ON_EXPIRY)
    followers = [one for one in expired if one.primary_agreement_id in follow]
    settle_returns(tx, day, followers)
    for one in followers:
        first_day = min(day, one.term_end_date or day)
        take_back(tx, first_day, enterprise_id, [line.id for line in one.lines], "Expired with its primary")


def _close_requests(tx: Transaction, day: date, expired: Sequence[Agreement]) -> None:
    """Close requests to cancel what has expired before they took effect: an agreement ends once."""
    if not expired:
        return
    for one in requests.open_of(tx.connection, expired[0].enterprise_id, [one.id for one in expired]):
        if one.effect_date is None:
            closed = replace(one, status=REQUEST_RESCINDED, complete_date=day, awaits_final_bill=False)
            requests.save(tx.connection, replace(closed, return_state=NO_RETURN))


def _tell_follower(tx: Transaction, day: date, one: Agreement, primary: Agreement) -> None:
    """Say in the change history (SPEC AGR-10) and in the story that an add-on ends with its primary."""
    summary = expired_with(one.number, one.display_name, one.status, day, primary.number, primary.display_name)
    notes = items_ended([line.item for line in one.lines if line.state == LIVE and line.suspension_id is None])
    record(tx, Change(one.enterprise_id, one.business_unit_id, one.id, day, CANCELLATION, summary, notes))
    tell(tx, [entry(tx, one, day, f"{title(one)} ends with its primary, {title(primary)}.")])


def tell_end(
    tx: Transaction, day: date, one: Suspension, part: SuspendedAgreement, agreement: Agreement, *, repeated: bool
) -> None:
    """Publish and tell that an agreement is back from a suspension."""
    assert part.end_date is not None
    tx.publish(ended_fact(one, day, agreement.id, agreement.account_id, part.end_date, repeated=repeated))
    tell(tx, [told.ended(tx, day, one, agreement.account_id, title(agreement), part.end_date)])


def _close_fees(tx: Transaction, agreement: Agreement, part: SuspendedAgreement) -> None:
    """End the fees of an agreement that is over with its suspension; what came due before is still owed."""
    mine = [line for line in agreement.lines if line.suspension_id == part.suspension_id]
    if part.status == rules.RESCINDED:
        closed = [fees.cancelled(line) for line in mine]
    else:
        closed = [fees.planned(line, agreement.key_line, part.window, ()) for line in mine]
    agreements.save_plans(tx.connection, agreement.enterprise_id, closed)


def ended_fact(
    one: Suspension, day: date, agreement_id: UUID | None, account_id: UUID, end: date, *, repeated: bool = False
) -> SuspensionEnded:
    """Make the fact that a suspension ended."""
    return SuspensionEnded(
        one.id, one.enterprise_id, one.business_unit_id, agreement_id, account_id, end, day, one.applied_to, repeated
    )
