"""What a suspension covers, and when its agreements are due with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.rules import LIVE, LIVE_STATUSES, AgreementLine, Line
from boss_agreements.agreements.store import Agreement
from boss_agreements.due_charges import rules as due_charges
from boss_agreements.due_charges import store as closed_days
from boss_agreements.suspensions import fees
from boss_agreements.suspensions.coverage import SuspendedAgreement
from boss_agreements.suspensions.rules import RESCINDED, Window, union
from boss_agreements.suspensions.store import Suspension
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Planned:
    """An agreement's lines as they bill with all its suspensions; the new fee lines are among them."""

    agreement: Agreement
    stops: Sequence[Window]
    lines: tuple[AgreementLine, ...]


def parts_for(one: Suspension, covered: Iterable[Agreement]) -> Sequence[SuspendedAgreement]:
    """Make the rows of the agreements that a suspension covers."""
    return [
        SuspendedAgreement(
            one.enterprise_id,
            one.id,
            agreement.id,
            agreement.business_unit_id,
            agreement.account_id,
            one.type,
            one.status,
            one.start_date,
            one.end_date,
            one.effects.stop_billing,
            one.effects.prevent_activity_use,
            one.effects.extend_availability,
            one.effects.extend_obligation,
        )
        for agreement in covered
    ]


def stops_of(parts: Iterable[SuspendedAgreement]) -> tuple[Window, ...]:
    """Join the windows of an agreement that stop its billing."""
    return union(part.window for part in parts if part.status != RESCINDED and part.stop_billing)


def plan(agreement: Agreement, parts: Sequence[SuspendedAgreement], suspensions: Mapping[UUID, Suspension]) -> Planned:
    """Say when the lines of an agreement are due with its suspensions.

    `suspensions` are those that change: their fee lines are opened, moved or cancelled.
    """
    stops, key = stops_of(parts), agreement.key_line
    windows = {part.suspension_id: part for part in parts}
    lines: list[AgreementLine] = []
    for line in agreement.lines:
        changing = suspensions.get(line.suspension_id) if line.suspension_id else None
        if changing is None or line.state != LIVE:
            lines.append(_due(line, stops))
        elif changing.status == RESCINDED:
            lines.append(fees.cancelled(line))
        else:
            lines.append(fees.planned(line, key, windows[changing.id].window, stops))
    known = {line.suspension_id for line in agreement.lines}
    for one in suspensions.values():
        if one.id in windows and one.id not in known and one.status != RESCINDED:
            lines += fees.fee_lines(one.id, agreement.id, one.effects, key, windows[one.id].window, stops)
    return Planned(agreement, stops, tuple(lines))


def reschedule(
    tx: Transaction,
    locked: Sequence[Agreement],
    before: Mapping[UUID, Sequence[SuspendedAgreement]],
    after: Mapping[UUID, Sequence[SuspendedAgreement]],
    suspensions: Mapping[UUID, Suspension],
) -> None:
    """Write when the lines of agreements that run are due now. Raises FailedPrecondition BILLING_IN_PROGRESS."""
    closed: dict[UUID, date | None] = {}
    for agreement in locked:
        if agreement.status not in LIVE_STATUSES:
            continue
        unit_id = agreement.business_unit_id
        if unit_id not in closed:
            closed[unit_id] = closed_days.newest_closed(tx.connection, agreement.enterprise_id, unit_id)
        made = plan(agreement, after.get(agreement.id, ()), suspensions)
        old = {line.id: line for line in agreement.lines if line.state == LIVE}
        stops = stops_of(before.get(agreement.id, ()))
        for line in made.lines:
            if line.id in old:
                _check_kept(old[line.id], stops, line, made.stops, closed[unit_id])
        known = {line.id for line in agreement.lines}
        agreements.add_lines(tx.connection, agreement, [line for line in made.lines if line.id not in known])
        changed = [line for line in made.lines if line.id in old and line != old[line.id]]
        agreements.save_plans(tx.connection, agreement.enterprise_id, changed)


def _check_kept(
    before: Line, stops_before: Sequence[Window], after: Line, stops_after: Sequence[Window], closed: date | None
) -> None:
    if closed is not None:
        due_charges.check_kept(
            due_charges.charges_through(before, stops_before, closed),
            due_charges.charges_through(after, stops_after, closed),
            closed,
        )


def _due(line: AgreementLine, stops: Sequence[Window]) -> AgreementLine:
    if line.state != LIVE:
        return line
    charge = due_charges.next_charge(line, stops)
    return replace(line, due_date=charge.due_date if charge else None)
