"""Enter, end, begin and complete suspensions (SPEC SUS)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import entry, hold_day, lock_agreement, save_statuses, title
from boss_agreements.agreements.rules import LIVE, LIVE_STATUSES, check_year
from boss_agreements.agreements.store import Agreement
from boss_agreements.due_charges import rules as due_charges
from boss_agreements.due_charges import store as closed_days
from boss_agreements.suspensions import rules, store
from boss_agreements.suspensions.rules import SuspensionEnded, SuspensionStarted, Window
from boss_agreements.suspensions.store import Suspension
from boss_agreements.timeline.store import Entry, tell
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

REASON_LENGTH_MAX = 200
COMMENTS_LENGTH_MAX = 5000


@dataclass(frozen=True)
class CreateSuspension:
    """A suspension as it is asked for."""

    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    type: str
    start_date: date
    end_date: date | None
    reason: str
    comments: str


@dataclass(frozen=True)
class EndSuspension:
    """A new first day back."""

    enterprise_id: UUID
    business_unit_id: UUID
    suspension_id: UUID
    end_date: date


def create_suspension(tx: Transaction, command: CreateSuspension) -> Suspension:
    """Suspend an agreement; one that begins today takes effect at once.

    Raises FailedPrecondition for days that can't be, an overlap, an agreement that is over, or BILLING_IN_PROGRESS.
    """
    _check(command)
    today = hold_day(tx, command.enterprise_id, command.business_unit_id)
    agreement = lock_agreement(tx, command.enterprise_id, command.business_unit_id, command.agreement_id)
    if agreement.status not in LIVE_STATUSES:
        raise FailedPrecondition(
            "AGREEMENT_OVER",
            f"Agreement {agreement.number} is {agreement.status}; only one that runs can be suspended.",
            metadata={"agreement": str(agreement.id), "status": agreement.status},
        )
    window = Window(command.start_date, command.end_date)
    known = store.of_agreement(tx.connection, agreement.enterprise_id, agreement.id)
    rules.check_new(window, [one.window for one in known if one.status != rules.RESCINDED], today)
    made = Suspension(
        new_id(),
        agreement.enterprise_id,
        agreement.business_unit_id,
        agreement.id,
        agreement.account_id,
        command.type,
        command.reason or command.type,
        command.comments,
        rules.PENDING,
        window.start,
        window.end,
        True,
        tx.context.actor.user,
        tx.now,
    )
    store.add(tx.connection, made)
    _reschedule(tx, agreement, known, [*known, made])
    tell(
        tx,
        [
            entry(
                tx,
                agreement,
                today,
                f"A {made.type.lower()} of {title(agreement)} was entered {window.in_words()}.",
                "suspension",
            )
        ],
    )
    return _take_effect(tx, today, [agreement], [made])[0]


def end_suspension(tx: Transaction, command: EndSuspension) -> Suspension:
    """Set a suspension's first day back; one that is today ends it at once. Raises FailedPrecondition, NotFound."""
    check_year(command.end_date, "end_date")
    today = hold_day(tx, command.enterprise_id, command.business_unit_id)
    found = store.find(tx.connection, command.enterprise_id, command.business_unit_id, command.suspension_id)
    if found is None:
        raise not_found(command.suspension_id)
    agreement = lock_agreement(tx, command.enterprise_id, command.business_unit_id, found.agreement_id)
    # Read again under the lock: the daily job may just have ended it.
    known = store.of_agreement(tx.connection, agreement.enterprise_id, agreement.id)
    before = next(one for one in known if one.id == found.id)
    rules.check_end(before.status, before.window, command.end_date, today)
    others = [one for one in known if one.id != before.id]
    rules.check_overlap(
        Window(before.start_date, command.end_date), [one.window for one in others if one.status != rules.RESCINDED]
    )
    made = replace(before, end_date=command.end_date)
    store.save(tx.connection, [made])
    _reschedule(tx, agreement, known, [*others, made])
    text = f"The first day back from the {made.type.lower()} of {title(agreement)} was set to {made.end_date}."
    tell(tx, [entry(tx, agreement, today, text, "suspension")])
    return _take_effect(tx, today, [agreement], [made])[0]


def run_day(tx: Transaction, enterprise_id: UUID, day: date, limit: int) -> int:
    """Begin and end what is due by a business date, start agreements, expire ended terms; tell how many were found."""
    due = store.due_on(tx.connection, enterprise_id, day, limit)
    if due:
        locked = agreements.lock(tx.connection, enterprise_id, {one.agreement_id for one in due})
        found = {one.id for one in due}
        again = [one for one in store.due_on(tx.connection, enterprise_id, day, limit) if one.id in found]
        _take_effect(tx, day, locked, again)
        return len(due)
    ids = agreements.to_change(tx.connection, enterprise_id, day, limit)
    if ids:
        locked = agreements.lock(tx.connection, enterprise_id, set(ids))
        expired = save_statuses(tx, day, locked, store.active_types(tx.connection, enterprise_id, ids))
        end_with(tx, day, expired)
    return len(ids)


def not_found(suspension_id: UUID) -> NotFound:
    """Make the error for a missing suspension."""
    return NotFound(
        "SUSPENSION_NOT_FOUND",
        f"There is no suspension {suspension_id} in this business unit.",
        metadata={"suspension_id": str(suspension_id)},
    )


def _take_effect(
    tx: Transaction, day: date, locked: Sequence[Agreement], suspensions: Sequence[Suspension]
) -> Sequence[Suspension]:
    """Begin and end suspensions whose day has come, oldest first, and derive the agreements' statuses from them."""
    by_id = {one.id: one for one in locked}
    after: list[Suspension] = []
    for before in suspensions:
        agreement, one = by_id[before.agreement_id], before
        if one.status == rules.PENDING and one.start_date <= day:
            one = _begin(tx, day, agreement, one)
        if one.status == rules.RUNNING and one.end_date is not None and one.end_date <= day:
            one = _complete(tx, day, agreement, one)
        after.append(one)
    if list(suspensions) != after:
        store.save(tx.connection, after)
        types = store.active_types(tx.connection, locked[0].enterprise_id, by_id)
        end_with(tx, day, save_statuses(tx, day, locked, types))
    return after


def _begin(tx: Transaction, day: date, agreement: Agreement, one: Suspension) -> Suspension:
    if agreement.status not in LIVE_STATUSES:
        return replace(one, status=rules.RESCINDED)
    tx.publish(
        SuspensionStarted(
            one.id,
            one.enterprise_id,
            one.business_unit_id,
            one.agreement_id,
            one.account_id,
            one.type,
            one.window,
            one.stop_billing,
            day,
        )
    )
    back = f"the first day back is {one.end_date}" if one.end_date else "its end is open"
    tell(tx, [_entry(tx, day, one, f"A {one.type.lower()} of {title(agreement)} began on {one.start_date}; {back}.")])
    return replace(one, status=rules.RUNNING)


def _complete(tx: Transaction, day: date, agreement: Agreement, one: Suspension) -> Suspension:
    assert one.end_date is not None
    tx.publish(
        SuspensionEnded(
            one.id, one.enterprise_id, one.business_unit_id, one.agreement_id, one.account_id, one.end_date, day
        )
    )
    tell(
        tx,
        [
            _entry(
                tx,
                day,
                one,
                f"The {one.type.lower()} of {title(agreement)} ended; {one.end_date} is the first day back.",
            )
        ],
    )
    return replace(one, status=rules.COMPLETED)


def end_with(tx: Transaction, day: date, expired: Sequence[Agreement]) -> None:
    """End what suspends agreements whose term is over."""
    for agreement in expired:
        after = []
        for one in store.of_agreement(tx.connection, agreement.enterprise_id, agreement.id):
            if one.status == rules.RUNNING:
                after.append(_complete(tx, day, agreement, replace(one, end_date=max(day, one.start_date))))
            elif one.status == rules.PENDING:
                after.append(replace(one, status=rules.RESCINDED))
        store.save(tx.connection, after)


def _reschedule(
    tx: Transaction, agreement: Agreement, before: Sequence[Suspension], after: Sequence[Suspension]
) -> None:
    """Compute anew when the lines are due. Raises FailedPrecondition BILLING_IN_PROGRESS."""
    old, new = _windows(before), _windows(after)
    closed = closed_days.newest_closed(tx.connection, agreement.enterprise_id, agreement.business_unit_id)
    due_dates: dict[UUID, date | None] = {}
    for line in agreement.lines:
        if line.state == LIVE:
            due_charges.check_nothing_closed_changes(line, old, new, closed)
            charge = due_charges.next_charge(line, new)
            due_dates[line.id] = charge.due_date if charge else None
    agreements.save_due_dates(tx.connection, agreement.enterprise_id, due_dates)


def _windows(suspensions: Sequence[Suspension]) -> tuple[Window, ...]:
    return rules.union(one.window for one in suspensions if one.status != rules.RESCINDED and one.stop_billing)


def _check(command: CreateSuspension) -> None:
    rules.check_type(command.type)
    check_year(command.start_date, "suspension.start_date")
    if command.end_date is not None:
        check_year(command.end_date, "suspension.end_date")
    for field, text, length_max in (
        ("suspension.reason", command.reason, REASON_LENGTH_MAX),
        ("suspension.comments", command.comments, COMMENTS_LENGTH_MAX),
    ):
        if len(text) > length_max:
            raise InvalidArgument.field(field, f"has {len(text):,} characters; at most {length_max:,} are kept.")


def _entry(tx: Transaction, day: date, one: Suspension, text: str) -> Entry:
    subject = f"enterprises/{one.enterprise_id}/businessUnits/{one.business_unit_id}/suspensions/{one.id}"
    return Entry(
        one.enterprise_id,
        one.business_unit_id,
        one.account_id,
        day,
        "suspension",
        text,
        subject,
        tx.context.correlation,
        tx.now,
    )
