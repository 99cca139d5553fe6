"""What the story of the account and the agreement's change history say of suspensions (SPEC AGR-10)."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from boss_agreements.agreements.rules import LIVE, status_on
from boss_agreements.agreements.store import Agreement
from boss_agreements.history import rules as history
from boss_agreements.history.commands import Change, record
from boss_agreements.history.rules import FreezeFee
from boss_agreements.suspensions.rules import MEMBER
from boss_agreements.suspensions.store import Suspension
from boss_agreements.timeline.store import Entry
from boss_kit.context import Actor
from boss_kit.unit_of_work import Transaction


def target(one: Suspension) -> str:
    """Name what a suspension without an agreement is of."""
    return "the member" if one.applied_to == MEMBER else "the account"


def entered(tx: Transaction, day: date, one: Suspension, account_id: UUID, what: str) -> Entry:
    """Say that a suspension was entered."""
    return entry(tx, day, one, account_id, f"A {one.type.lower()} of {what} was entered {one.window.in_words()}.")


def began(tx: Transaction, day: date, one: Suspension, account_id: UUID, what: str) -> Entry:
    """Say that a suspension took effect."""
    back = f"the first day back is {one.end_date}" if one.end_date else "its end is open"
    return entry(tx, day, one, account_id, f"A {one.type.lower()} of {what} began on {one.start_date}; {back}.")


def ended(tx: Transaction, day: date, one: Suspension, account_id: UUID, what: str, end: date) -> Entry:
    """Say that a suspension ended."""
    return entry(tx, day, one, account_id, f"The {one.type.lower()} of {what} ended; {end} is the first day back.")


def entry(tx: Transaction, day: date, one: Suspension, account_id: UUID, text: str) -> Entry:
    """Make a line of the story of an account."""
    subject = f"enterprises/{one.enterprise_id}/businessUnits/{one.business_unit_id}/suspensions/{one.id}"
    return Entry(
        one.enterprise_id,
        one.business_unit_id,
        account_id,
        day,
        "suspension",
        text,
        subject,
        tx.context.correlation,
        tx.now,
    )


def record_day(
    tx: Transaction,
    day: date,
    begun: Sequence[tuple[Suspension, Agreement]],
    ended: Sequence[tuple[Suspension, Agreement]],
    types: Mapping[UUID, frozenset[str]],
    moved: Mapping[UUID, tuple[date, date]],
) -> None:
    """Record starts and ends in the change history, in the name of those who entered the suspensions.

    `types` are the suspensions that run now, `moved` the obligation dates that an end moved.
    """
    starts = [_start(one, agreement, day) for one, agreement in begun]
    ends = [_end(one, agreement, day, types, moved.get(agreement.id)) for one, agreement in ended]
    record(tx, *starts, *ends)


def end_changed(
    tx: Transaction, day: date, before: Suspension, after: Suspension, covered: Sequence[Agreement], received: date
) -> None:
    """Record that the end date of a suspension was altered."""
    record(
        tx,
        *(
            _change(
                after,
                agreement,
                day,
                history.suspension_end_changed(
                    agreement.number,
                    agreement.display_name,
                    before.end_date,
                    after.end_date,
                    received,
                    tx.context.actor,
                ),
                _notes(after, agreement),
            )
            for agreement in covered
        ),
    )


def _start(one: Suspension, agreement: Agreement, day: date) -> Change:
    summary = history.suspension_started(
        agreement.number,
        agreement.display_name,
        agreement.status,
        one.type,
        one.start_date,
        one.reason,
        one.received_date,
        _actor(one),
    )
    return _change(one, agreement, day, summary, _notes(one, agreement))


def _end(
    one: Suspension,
    agreement: Agreement,
    day: date,
    types: Mapping[UUID, frozenset[str]],
    moved: tuple[date, date] | None,
) -> Change:
    assert one.end_date is not None
    status = status_on(day, agreement.start_date, agreement.lines, types.get(agreement.id, frozenset()))
    summary = history.suspension_ended(
        agreement.number,
        agreement.display_name,
        one.type,
        status,
        one.end_date,
        one.reason,
        one.received_date,
        _actor(one),
    )
    return _change(one, agreement, day, summary, _notes(one, agreement, moved))


def _change(one: Suspension, agreement: Agreement, day: date, summary: str, notes: tuple[str, ...]) -> Change:
    return Change(one.enterprise_id, agreement.business_unit_id, agreement.id, day, history.SUSPENSION, summary, notes)


def _notes(one: Suspension, agreement: Agreement, moved: tuple[date, date] | None = None) -> tuple[str, ...]:
    items = [line.item for line in agreement.lines if line.suspension_id is None and line.state == LIVE]
    fees = [
        FreezeFee(fee.item, fee.price, is_recurring)
        for fee, is_recurring in ((one.effects.freeze_charge, False), (one.effects.recurring_charge, True))
        if fee is not None
    ]
    return history.suspension_notes(
        items,
        one.comments,
        adjustment_reason=one.adjustment_reason,
        credit_date=one.adjustment_credit_date,
        obligation=moved,
        fees=fees,
    )


def _actor(one: Suspension) -> Actor:
    """Give who entered a suspension; of an imported one only the name is known."""
    return Actor.from_json(one.actor) if one.actor else Actor(one.entered_by)
