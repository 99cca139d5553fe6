"""Say what a suspension would do before it is entered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from boss_agreements.activities import store as activities
from boss_agreements.activities.rules import Activity, extended_expiry
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.rules import Line
from boss_agreements.agreements.store import Agreement
from boss_agreements.due_charges.rules import Charge, advance, next_charge
from boss_agreements.organization.queries import get_unit
from boss_agreements.suspensions import coverage, planning, requests, rules
from boss_agreements.suspensions.coverage import SuspendedAgreement
from boss_agreements.suspensions.planning import Planned
from boss_agreements.suspensions.requests import CreateSuspension
from boss_agreements.suspensions.rules import Window
from boss_agreements.suspensions.store import Suspension
from boss_kit.unit_of_work import Transaction

BILLS_AFTER = 2
BILLS_MAX, BILLS_MAX_OPEN = 60, 12


@dataclass(frozen=True)
class Bill:
    """A charge that would be billed."""

    charge: Charge
    item: str
    is_fee: bool


@dataclass(frozen=True)
class AffectedAgreement:
    """An agreement as it is, what it would be billed, and its obligation date where that would move."""

    agreement: Agreement
    bills: Sequence[Bill]
    new_obligation_end_date: date | None


@dataclass(frozen=True)
class AffectedActivity:
    """Something to use, and until when it would be good after the end, if that is known."""

    activity: Activity
    new_expiry_date: date | None
    locked: bool


@dataclass(frozen=True)
class Preview:
    """What a suspension would do."""

    suspension: Suspension
    effects: Sequence[str]
    agreements: Sequence[AffectedAgreement]
    activities: Sequence[AffectedActivity]


def preview_suspension(tx: Transaction, command: CreateSuspension) -> Preview:
    """Say whom a suspension would cover, what would be billed when, and what it would move; nothing is changed.

    Raises what entering it would raise.
    """
    requests.check_form(command)
    today = tx.today(get_unit(tx, command.enterprise_id, command.business_unit_id).time_zone)
    ids = requests.covered_ids(tx, command, today)
    covered = agreements.find_all(tx.connection, command.enterprise_id, ids)
    made = requests.requested(tx, command, covered, today)
    before = coverage.of_agreements(tx.connection, made.enterprise_id, ids)
    affected = []
    for agreement, part in zip(covered, planning.parts_for(made, covered), strict=True):
        parts = [*before.get(agreement.id, ()), part]
        planned = planning.plan(agreement, parts, {made.id: made})
        affected.append(
            AffectedAgreement(agreement, _bills_of(planned, made.window), _obligation(agreement, parts, made))
        )
    return Preview(made, _in_words(made), affected, _activities(tx, made, covered))


def _bills_of(planned: Planned, window: Window) -> Sequence[Bill]:
    """Give what would be billed from a suspension's first day on: all until its end, and the bills after it."""
    found = [
        Bill(charge, line.item, line.suspension_id is not None)
        for line in planned.lines
        for charge in _upcoming(line, planned.stops, window)
    ]
    return sorted(found, key=lambda bill: (bill.charge.due_date, bill.is_fee, bill.item))


def _activities(tx: Transaction, made: Suspension, covered: Sequence[Agreement]) -> Sequence[AffectedActivity]:
    """Give what members could not use, and until when it would be good afterwards."""
    effects, window = made.effects, made.window
    if not (effects.prevent_activity_use or effects.extend_availability):
        return []
    members = [made.member_id] if made.applied_to == rules.MEMBER and made.member_id else []
    found = activities.usable(tx.connection, made.enterprise_id, [one.id for one in covered], members, window.start)
    return [
        AffectedActivity(
            one,
            extended_expiry(one.valid_from, one.expiry_date, [window], window.end)
            if effects.extend_availability and window.end
            else None,
            effects.prevent_activity_use,
        )
        for one in found
    ]


def _in_words(made: Suspension) -> Sequence[str]:
    """Say what a suspension does, as the wizard shows it."""
    effects = made.effects
    said = (
        (effects.stop_billing, "Stops billing; what is missed is billed on the first day back, once."),
        (effects.prevent_activity_use, "Prevents activity use."),
        (effects.extend_availability, "Extends availability: the expiry of activities moves when it ends."),
        (effects.extend_obligation, "Extends the obligation date by the full days suspended."),
    )
    charged = (
        (effects.freeze_charge, "on its first day"),
        (effects.recurring_charge, "on each bill date of the Key Item"),
    )
    fees = [f"Charges {fee.price} for {fee.item} {when}." for fee, when in charged if fee is not None]
    return [*(text for is_so, text in said if is_so), *fees]


def _obligation(agreement: Agreement, parts: Sequence[SuspendedAgreement], made: Suspension) -> date | None:
    end = agreement.obligation_end_date
    if end is None or made.end_date is None or not made.effects.extend_obligation:
        return None
    extending = [part for part in parts if part.extend_obligation and part.status != rules.RESCINDED]
    moved = sum(part.obligation_days for part in extending)
    return end + timedelta(days=rules.full_days((part.window for part in extending), made.end_date) - moved)


def _upcoming(line: Line, stops: Sequence[Window], window: Window) -> Sequence[Charge]:
    """Give a line's charges until the end of a window and a few after it; with an open end the first ones."""
    charges: list[Charge] = []
    most, end = (BILLS_MAX, window.end) if window.end else (BILLS_MAX_OPEN, date.max)
    after = 0
    while len(charges) < most and after < BILLS_AFTER and (charge := next_charge(line, stops)) is not None:
        charges.append(charge)
        after += charge.due_date >= end
        line = advance(line, stops)
    return charges
