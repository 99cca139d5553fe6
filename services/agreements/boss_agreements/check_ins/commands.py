"""Check members in and redeem units; what is denied is kept with its reason (SPEC AGR-11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from boss_agreements.activities import store as activities
from boss_agreements.activities.queries import with_locks
from boss_agreements.activities.rules import check_units
from boss_agreements.agreements import store as agreements
from boss_agreements.check_ins import rules, store
from boss_agreements.check_ins.rules import Candidate, Decision, Wanted
from boss_agreements.check_ins.store import CheckIn
from boss_agreements.member_statuses.queries import statuses_of
from boss_agreements.members.queries import get_member
from boss_agreements.members.rules import Member
from boss_agreements.organization.queries import get_unit
from boss_kit.errors import InvalidArgument
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

NAME_LENGTH_MAX = 200


@dataclass(frozen=True)
class UseActivity:
    """A member who wants to come in or to use units of an item."""

    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    kind: str
    item: str
    units: Decimal


@dataclass(frozen=True)
class SetCheckInAction:
    """What a business unit does from now on with people of a status."""

    enterprise_id: UUID
    business_unit_id: UUID
    status: str
    action: str


def use_activity(tx: Transaction, command: UseActivity) -> CheckIn:
    """Let a member in, or redeem units, or keep why not. Raises NotFound without the member, InvalidArgument."""
    _check(command)
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    member = get_member(tx, command.enterprise_id, command.business_unit_id, command.member_id)
    today = tx.today(unit.time_zone)
    decision = _decide(tx, command, member, today)
    activities.save_remaining(tx.connection, [one for one, _ in decision.taken])
    made = CheckIn(
        new_id(),
        command.enterprise_id,
        command.business_unit_id,
        command.member_id,
        command.kind,
        command.item,
        command.units,
        today,
        decision.outcome,
        decision.reason,
        decision.text,
        decision.activity.id if decision.activity else None,
        tx.context.actor.user,
        tx.now,
    )
    store.add(tx.connection, made, decision.taken)
    return made


def set_action(tx: Transaction, command: SetCheckInAction) -> SetCheckInAction:
    """Choose what a unit does with people of a status who check in. Raises NotFound, InvalidArgument."""
    get_unit(tx, command.enterprise_id, command.business_unit_id)
    rules.check_status_action(command.action)
    if not 0 < len(command.status) <= NAME_LENGTH_MAX:
        raise InvalidArgument.field("check_in_action.status", f"must have 1 to {NAME_LENGTH_MAX} characters.")
    store.save_action(tx.connection, command.enterprise_id, command.business_unit_id, command.status, command.action)
    return command


def _decide(tx: Transaction, command: UseActivity, member: Member, today: date) -> Decision:
    found = activities.lock_of_member(tx.connection, command.enterprise_id, command.member_id)
    seen = with_locks(tx, command.enterprise_id, found, today)
    actions = store.actions_of(tx.connection, command.enterprise_id, command.business_unit_id)
    status, action = rules.strictest(_statuses(tx, member) if actions else (), actions)
    wanted = Wanted(command.kind, command.item, command.units, today)
    return rules.decide(wanted, [Candidate(one.activity, one.lock) for one in seen], status, action)


def _statuses(tx: Transaction, member: Member) -> Sequence[str]:
    """Give the statuses the desk goes by: the person's own (SPEC AGR-5), and that of the best agreement."""
    of_agreements = agreements.statuses_of(tx.connection, member.enterprise_id, member.id)
    return [statuses_of(tx, [member])[member.id].status, *rules.best_of(of_agreements)]


def _check(command: UseActivity) -> None:
    check_units(command.units, "units")
    if len(command.item) > NAME_LENGTH_MAX:
        raise InvalidArgument.field(
            "item", f"has {len(command.item):,} characters; at most {NAME_LENGTH_MAX} are kept."
        )
    if command.kind == rules.REDEMPTION and not command.item:
        raise InvalidArgument.field("item", "is required: name what is redeemed.")
