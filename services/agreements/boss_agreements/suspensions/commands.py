"""Enter, change, end and rescind suspensions (SPEC SUS)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import hold_day, title
from boss_agreements.agreements.store import Agreement
from boss_agreements.suspensions import coverage, planning, requests, rules, store, told
from boss_agreements.suspensions.coverage import SuspendedAgreement
from boss_agreements.suspensions.effects import take_effect
from boss_agreements.suspensions.queries import not_found
from boss_agreements.suspensions.requests import CreateSuspension
from boss_agreements.suspensions.rules import SuspensionEndChanged
from boss_agreements.suspensions.store import Suspension
from boss_agreements.timeline.store import tell
from boss_kit.days import check_year
from boss_kit.unit_of_work import Transaction

START, END, COMMENTS = "start_date", "end_date", "comments"


@dataclass(frozen=True)
class UpdateSuspension:
    """What of a suspension is to change: `fields` names which of the values count."""

    enterprise_id: UUID
    business_unit_id: UUID
    suspension_id: UUID
    fields: frozenset[str]
    start_date: date | None = None
    end_date: date | None = None
    comments: str = ""
    received_date: date | None = None


@dataclass(frozen=True)
class RescindSuspension:
    """A suspension that shall never have been."""

    enterprise_id: UUID
    business_unit_id: UUID
    suspension_id: UUID


def create_suspension(tx: Transaction, command: CreateSuspension) -> Suspension:
    """Suspend an agreement, a member or an account; what begins today takes effect at once.

    Raises FailedPrecondition for days that can't be, an overlap, what the reason forbids, an agreement that is over, or
    BILLING_IN_PROGRESS.
    """
    requests.check_form(command)
    today = hold_day(tx, command.enterprise_id, command.business_unit_id)
    ids = requests.covered_ids(tx, command, today)
    locked = agreements.lock(tx.connection, command.enterprise_id, ids)
    made = requests.requested(tx, command, locked, today)
    parts = planning.parts_for(made, locked)
    before = coverage.of_agreements(tx.connection, command.enterprise_id, ids)
    store.add(tx.connection, made)
    coverage.add_parts(tx.connection, parts)
    after = {part.agreement_id: [*before.get(part.agreement_id, ()), part] for part in parts}
    planning.reschedule(tx, locked, before, after, {made.id: made})
    coverage.mark_pending(tx.connection, made.enterprise_id, ids)
    tell(tx, [told.entered(tx, today, made, one.account_id, title(one)) for one in locked])
    if not locked:
        tell(tx, [told.entered(tx, today, made, made.account_id, told.target(made))])
    return take_effect(tx, made.enterprise_id, today, locked, [made])[0]


def update_suspension(tx: Transaction, command: UpdateSuspension) -> Suspension:
    """Change the days or comments of a suspension: both days while it is pending, then the end only (SPEC SUS-3).

    An end date of today ends one that runs at once. Raises NotFound, FailedPrecondition, BILLING_IN_PROGRESS.
    """
    today, locked, before = _open(tx, command.enterprise_id, command.business_unit_id, command.suspension_id)
    made = _changed(before, command)
    if made.comments != before.comments:
        requests.check_comments(made.comments)
    if made.window == before.window:
        store.save(tx.connection, [made])
        return made
    _check_days(tx, before, made, locked, today)
    store.save(tx.connection, [made])
    _move(tx, locked, before, made)
    if made.end_date != before.end_date:
        told.end_changed(tx, today, before, made, locked, command.received_date or today)
        _tell_end(tx, today, made, locked)
    return take_effect(tx, made.enterprise_id, today, locked, [made])[0]


def rescind_suspension(tx: Transaction, command: RescindSuspension) -> Suspension:
    """Take back one that is to come, with its fees (SPEC SUS-3, SUS-7). Raises NotFound, FailedPrecondition."""
    today, locked, before = _open(tx, command.enterprise_id, command.business_unit_id, command.suspension_id)
    rules.check_rescindable(before.status, before.window)
    made = replace(before, status=rules.RESCINDED)
    store.save(tx.connection, [made])
    _move(tx, locked, before, made)
    what = [(one.account_id, title(one)) for one in locked] or [(made.account_id, told.target(made))]
    text = f"was rescinded before it began on {made.start_date}."
    tell(tx, [told.entry(tx, today, made, account, f"The {made.type.lower()} of {of} {text}") for account, of in what])
    return made


def _open(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, suspension_id: UUID
) -> tuple[date, Sequence[Agreement], Suspension]:
    """Lock a suspension with its agreements, which come first. Raises NotFound."""
    today = hold_day(tx, enterprise_id, unit_id)
    if store.find(tx.connection, enterprise_id, unit_id, suspension_id) is None:
        raise not_found(suspension_id)
    ids = [part.agreement_id for part in coverage.parts_of(tx.connection, enterprise_id, [suspension_id])]
    locked = agreements.lock(tx.connection, enterprise_id, ids)
    # Read under the lock: the daily job may just have ended it.
    (found,) = store.lock(tx.connection, enterprise_id, [suspension_id])
    return today, locked, found


def _changed(before: Suspension, command: UpdateSuspension) -> Suspension:
    made = before
    if START in command.fields and command.start_date is not None:
        made = replace(made, start_date=check_year(command.start_date, "suspension.start_date"))
    if END in command.fields:
        end = command.end_date
        made = replace(made, end_date=None if end is None else check_year(end, "suspension.end_date"))
    return replace(made, comments=command.comments) if COMMENTS in command.fields else made


def _check_days(
    tx: Transaction, before: Suspension, made: Suspension, locked: Sequence[Agreement], today: date
) -> None:
    start_changes = made.start_date != before.start_date
    rules.check_days_may_change(before.status, before.window, start_changes=start_changes)
    others = [one.window for one in store.same_target(tx.connection, made)]
    if start_changes:
        rules.check_new(made.window, others, today)
    else:
        if made.end_date is not None:
            rules.check_end(before.status, before.window, made.end_date, today)
        rules.check_overlap(made.window, others)
    requests.check_reason_days(tx, made, locked, today)


def _move(tx: Transaction, locked: Sequence[Agreement], before: Suspension, made: Suspension) -> None:
    """Give the covered agreements a suspension's new days or status, and bill them by it."""
    ids = [one.id for one in locked]
    old = coverage.of_agreements(tx.connection, made.enterprise_id, ids)
    new = {agreement_id: [_moved(part, before, made) for part in parts] for agreement_id, parts in old.items()}
    coverage.save_parts(
        tx.connection, [part for parts in new.values() for part in parts if part.suspension_id == made.id]
    )
    planning.reschedule(tx, locked, old, new, {made.id: made})
    coverage.mark_pending(tx.connection, made.enterprise_id, ids)


def _moved(part: SuspendedAgreement, before: Suspension, made: Suspension) -> SuspendedAgreement:
    if part.suspension_id != made.id or part.status != before.status:
        return part
    return replace(part, status=made.status, start_date=made.start_date, end_date=made.end_date)


def _tell_end(tx: Transaction, today: date, made: Suspension, locked: Sequence[Agreement]) -> None:
    """Tell the story, and those who keep a copy of what runs, that the end is another one."""
    end = f"set to {made.end_date}" if made.end_date else "opened"
    what = [(one.account_id, title(one)) for one in locked] or [(made.account_id, told.target(made))]
    texts = [(account, f"The first day back from the {made.type.lower()} of {of} was {end}.") for account, of in what]
    tell(tx, [told.entry(tx, today, made, account, text) for account, text in texts])
    if made.status != rules.RUNNING:
        return
    keys: list[tuple[UUID | None, UUID]] = [(one.id, one.account_id) for one in locked]
    if made.applied_to != rules.AGREEMENT and made.account_id not in {account for _, account in keys}:
        keys.append((None, made.account_id))
    tx.publish(
        *(
            SuspensionEndChanged(
                made.id,
                made.enterprise_id,
                made.business_unit_id,
                agreement_id,
                account_id,
                made.end_date,
                today,
                made.applied_to,
                account_id in {account for _, account in keys[:number]},
            )
            for number, (agreement_id, account_id) in enumerate(keys)
        )
    )
