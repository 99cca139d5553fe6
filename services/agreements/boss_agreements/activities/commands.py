"""Grant, extend and take back what members may use (SPEC AGR-11, SUS-5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from boss_agreements.activities import rules, store
from boss_agreements.activities.rules import Activity, Grant
from boss_agreements.due_charges.rules import ChargeKey, Step
from boss_agreements.due_charges.store import DueLine, Terms
from boss_agreements.members.queries import get_member
from boss_agreements.organization.queries import get_unit
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import EXTEND_AVAILABILITY, Window
from boss_kit.days import check_year
from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id, new_id
from boss_kit.unit_of_work import Transaction

ITEM_LENGTH_MAX = 200


class Billed(NamedTuple):
    """A billed charge: its key, the line as it was before, the step it took, and the business date of the answer."""

    key: ChargeKey
    line: DueLine
    step: Step
    day: date


@dataclass(frozen=True)
class PurchaseActivity:
    """Something to use that was bought outside an agreement, at the point of sale; `units` empty: unlimited."""

    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    item: str
    kind: str
    units: Decimal | None
    valid_from: date | None
    expiry_date: date


def grant_for(
    tx: Transaction, enterprise_id: UUID, billed: Iterable[Billed], extending: Mapping[str, Sequence[Window]]
) -> None:
    """Grant what billed cycles pay for. Repeatable; `extending` are the suspensions that move expiries, by agreement.

    A refused charge grants nothing: its cycle was never paid for, so there is nothing to take back either.
    """
    new = []
    for one in billed:
        grant = _grant_of(one.line.terms, one.step)
        if grant is not None:
            windows = extending.get(one.line.agreement_id, ())
            expiry = rules.extended_expiry(grant.valid_from, grant.expiry_date, windows, one.day)
            activity_id = derived_id(one.key.line_id, "activity", str(one.key.cycle_no), one.key.kind)
            new.append(store.Granted(activity_id, one.line, grant, expiry))
    store.add_granted(tx.connection, enterprise_id, new, tx.now)


def extend_resumed(
    tx: Transaction, enterprise_id: UUID, day: date, agreement_ids: Iterable[UUID], member_ids: Iterable[UUID]
) -> None:
    """Move the expiries of what suspensions that are over by a day extend, all agreements and members at once."""
    agreements, members = set(agreement_ids), set(member_ids)
    windows: dict[UUID, Sequence[Window]] = {
        **suspensions.windows_of(tx.connection, enterprise_id, agreements, EXTEND_AVAILABILITY),
        **suspensions.windows_of_members(tx.connection, enterprise_id, members, EXTEND_AVAILABILITY),
    }
    since = min((window.start for found in windows.values() for window in found), default=None)
    if since is None:
        return
    changed: dict[UUID, date] = {}
    for one in store.lock_to_extend(tx.connection, enterprise_id, agreements, members, since):
        expiry = _extended(one, windows, day).expiry_date
        if expiry > one.expiry_date:
            changed[one.id] = expiry
    store.save_expiries(tx.connection, enterprise_id, changed)


def take_back(tx: Transaction, day: date, enterprise_id: UUID, line_ids: Iterable[UUID], reason: str) -> int:
    """End on a day what is left of what lines have granted; units used stay used. Tell how many activities that was."""
    return store.take_back(tx.connection, enterprise_id, line_ids, day, reason)


def hand_over(tx: Transaction, enterprise_id: UUID, agreement_id: UUID, lines: Mapping[UUID, UUID]) -> None:
    """Hand what lines have granted over to the lines of a rewritten agreement that go on for them."""
    store.move_lines(tx.connection, enterprise_id, agreement_id, lines)


def purchase_activity(tx: Transaction, command: PurchaseActivity) -> Activity:
    """Grant something bought outside an agreement: only a suspension of the member locks and extends it (SPEC AGR-11).

    Raises NotFound without the member, InvalidArgument for what can't be.
    """
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    get_member(tx, command.enterprise_id, command.business_unit_id, command.member_id)
    today = tx.today(unit.time_zone)
    _check(command, today)
    made = Activity(
        new_id(),
        command.enterprise_id,
        command.business_unit_id,
        command.member_id,
        None,
        None,
        rules.PURCHASE,
        command.item,
        command.kind,
        command.units,
        command.units,
        command.valid_from or today,
        command.expiry_date,
        command.expiry_date,
        None,
        "",
        tx.now,
    )
    store.add(tx.connection, [made])
    return made


# Most members of a club have bought the same.
@lru_cache(maxsize=16384)
def _grant_of(terms: Terms, step: Step) -> Grant | None:
    line, charge = terms.line, step.charge
    whole = None if line.units_per_cycle is None else Fraction(line.units_per_cycle)
    units = rules.units_of_cycle(line.item_kind, line.basis, charge.units if charge.units is not None else whole)
    if units is None:
        return None
    expiry = rules.paid_expiry(charge.period_start, charge.period_end, terms.validity_days)
    return Grant(units[0], charge.period_start, expiry)


def _extended(one: Activity, windows: Mapping[UUID, Sequence[Window]], day: date) -> Activity:
    found = windows.get(one.agreement_id or one.member_id)
    return rules.extended(one, found, day) if found else one


def _check(command: PurchaseActivity, today: date) -> None:
    if not 0 < len(command.item) <= ITEM_LENGTH_MAX:
        raise InvalidArgument.field("activity.item", f"must have 1 to {ITEM_LENGTH_MAX} characters.")
    if command.kind not in rules.USABLE_KINDS:
        raise InvalidArgument.field("activity.kind", f"{command.kind[:40]!r} is not a kind; use access or service.")
    if command.units is not None:
        rules.check_units(command.units, "activity.granted_units")
    first = check_year(command.valid_from or today, "activity.valid_from_date")
    if check_year(command.expiry_date, "activity.expiry_date") < max(first, today):
        raise InvalidArgument.field(
            "activity.expiry_date", f"{command.expiry_date} lies before {max(first, today)}, the first day of use."
        )
