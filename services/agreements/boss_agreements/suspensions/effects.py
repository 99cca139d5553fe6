"""Begin and end suspensions on their days, with everything that follows (SPEC SUS)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from boss_agreements.activities.commands import extend_resumed
from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import save_statuses, title
from boss_agreements.agreements.rules import LIVE_STATUSES
from boss_agreements.agreements.store import Agreement
from boss_agreements.suspensions import coverage, rules, store, told
from boss_agreements.suspensions.coverage import SuspendedAgreement
from boss_agreements.suspensions.endings import ended_fact, expire, tell_end
from boss_agreements.suspensions.rules import SuspensionStarted
from boss_agreements.suspensions.store import Suspension
from boss_agreements.timeline.store import tell
from boss_kit.unit_of_work import Transaction


@dataclass
class _Day:
    """What happened to suspensions on a day, before it is written."""

    suspensions: list[Suspension] = field(default_factory=list)
    parts: list[SuspendedAgreement] = field(default_factory=list)
    begun: list[tuple[Suspension, Agreement]] = field(default_factory=list)
    ended: list[tuple[Suspension, Agreement]] = field(default_factory=list)
    members_back: list[UUID] = field(default_factory=list)


def run_day(tx: Transaction, enterprise_id: UUID, day: date, limit: int) -> int:
    """Begin and end what is due by a business date, start agreements, expire ended terms; tell how many were found."""
    due = store.due_on(tx.connection, enterprise_id, day, limit)
    if due:
        ids = [one.id for one in due]
        covered = {part.agreement_id for part in coverage.parts_of(tx.connection, enterprise_id, ids)}
        locked = [one for one in _lock_with_add_ons(tx, enterprise_id, covered) if one.id in covered]
        take_effect(tx, enterprise_id, day, locked, store.lock(tx.connection, enterprise_id, ids))
        return len(due)
    changing = set(agreements.to_change(tx.connection, enterprise_id, day, limit))
    if changing:
        locked = [one for one in _lock_with_add_ons(tx, enterprise_id, changing) if one.id in changing]
        expire(
            tx, day, save_statuses(tx, day, locked, store.active_types(tx.connection, enterprise_id, changing)), locked
        )
    return len(changing)


def take_effect(
    tx: Transaction, enterprise_id: UUID, day: date, locked: Sequence[Agreement], suspensions: Sequence[Suspension]
) -> Sequence[Suspension]:
    """Begin and end suspensions whose day has come, oldest first, and derive the agreements' statuses from them."""
    by_id, done = {one.id: one for one in locked}, _Day()
    parts: dict[UUID, list[SuspendedAgreement]] = defaultdict(list)
    for part in coverage.parts_of(tx.connection, enterprise_id, [one.id for one in suspensions]):
        parts[part.suspension_id].append(part)
    for before in suspensions:
        one, mine = before, parts[before.id]
        if one.status == rules.PENDING and one.start_date <= day:
            one, mine = _begin(tx, day, one, mine, by_id, done)
        if one.status == rules.RUNNING and one.end_date is not None and one.end_date <= day:
            one, mine = _complete(tx, day, one, mine, by_id, done)
        done.suspensions.append(one)
        done.parts += mine
    if done.suspensions != list(suspensions):
        _write(tx, enterprise_id, day, locked, done)
    return done.suspensions


def _lock_with_add_ons(tx: Transaction, enterprise_id: UUID, ids: set[UUID]) -> Sequence[Agreement]:
    """Lock agreements and what may follow them, all in one order, so that nobody waits in a ring."""
    add_ons = agreements.add_on_ids(tx.connection, enterprise_id, ids)
    return agreements.lock(tx.connection, enterprise_id, ids.union(add_ons))


def _begin(
    tx: Transaction,
    day: date,
    one: Suspension,
    parts: Sequence[SuspendedAgreement],
    by_id: dict[UUID, Agreement],
    done: _Day,
) -> tuple[Suspension, list[SuspendedAgreement]]:
    after, told_accounts = [], set[UUID]()
    for part in parts:
        agreement = by_id[part.agreement_id]
        if part.status != rules.PENDING:
            after.append(part)
        elif agreement.status not in LIVE_STATUSES:
            after.append(replace(part, status=rules.RESCINDED))
        else:
            after.append(replace(part, status=rules.RUNNING))
            done.begun.append((one, agreement))
            repeated = agreement.account_id in told_accounts
            told_accounts.add(agreement.account_id)
            tx.publish(_started(one, day, agreement.id, agreement.account_id, repeated=repeated))
            tell(tx, [told.began(tx, day, one, agreement.account_id, title(agreement))])
    if one.applied_to == rules.AGREEMENT and all(part.status == rules.RESCINDED for part in after):
        return replace(one, status=rules.RESCINDED), after
    if _account_alone(one, after):
        tx.publish(_started(one, day, None, one.account_id))
        tell(tx, [told.began(tx, day, one, one.account_id, told.target(one))])
    return replace(one, status=rules.RUNNING), after


def _complete(
    tx: Transaction,
    day: date,
    one: Suspension,
    parts: Sequence[SuspendedAgreement],
    by_id: dict[UUID, Agreement],
    done: _Day,
) -> tuple[Suspension, list[SuspendedAgreement]]:
    assert one.end_date is not None
    after, told_accounts = [], set[UUID]()
    for before in parts:
        part = before
        if before.status == rules.RUNNING:
            part = replace(before, status=rules.COMPLETED, end_date=one.end_date)
            done.ended.append((one, by_id[part.agreement_id]))
            tell_end(tx, day, one, part, by_id[part.agreement_id], repeated=part.account_id in told_accounts)
            told_accounts.add(part.account_id)
        after.append(part)
    if _account_alone(one, after):
        tx.publish(ended_fact(one, day, None, one.account_id, one.end_date))
        tell(tx, [told.ended(tx, day, one, one.account_id, told.target(one), one.end_date)])
    if one.applied_to == rules.MEMBER and one.member_id is not None:
        done.members_back.append(one.member_id)
    return replace(one, status=rules.COMPLETED), after


def _write(tx: Transaction, enterprise_id: UUID, day: date, locked: Sequence[Agreement], done: _Day) -> None:
    store.save(tx.connection, done.suspensions)
    coverage.save_parts(tx.connection, done.parts)
    ids = [one.id for one in locked]
    types = store.active_types(tx.connection, enterprise_id, ids)
    expired = save_statuses(tx, day, locked, types)
    # After the statuses, which are saved with everything else as it was read.
    moved = _move_obligations(tx, enterprise_id, day, [agreement for _, agreement in done.ended])
    coverage.mark_pending(tx.connection, enterprise_id, ids)
    extend_resumed(tx, enterprise_id, day, {agreement.id for _, agreement in done.ended}, done.members_back)
    told.record_day(tx, day, done.begun, done.ended, types, moved)
    expire(tx, day, expired, locked)


def _move_obligations(
    tx: Transaction, enterprise_id: UUID, day: date, resumed: Sequence[Agreement]
) -> dict[UUID, tuple[date, date]]:
    """Move obligation dates by the full days suspended (SPEC AGR-3), overlapping ones once; give from and to."""
    obliged = {one.id: one.obligation_end_date for one in resumed if one.obligation_end_date is not None}
    moved: dict[UUID, tuple[date, date]] = {}
    changed: list[SuspendedAgreement] = []
    for agreement_id, parts in coverage.of_agreements(tx.connection, enterprise_id, obliged).items():
        extending = [part for part in parts if part.extend_obligation and part.status == rules.COMPLETED]
        if not extending:
            continue
        others = [part.window for part in parts if part.extend_obligation and part.status != rules.RESCINDED]
        days = rules.full_days(others, day) - sum(part.obligation_days for part in extending)
        if days > 0:
            before = obliged[agreement_id]
            moved[agreement_id] = (before, before + timedelta(days=days))
            changed.append(replace(extending[-1], obligation_days=extending[-1].obligation_days + days))
    coverage.save_parts(tx.connection, changed)
    agreements.save_obligations(tx.connection, enterprise_id, {one: to for one, (_, to) in moved.items()})
    return moved


def _account_alone(one: Suspension, parts: Sequence[SuspendedAgreement]) -> bool:
    """Tell whether a suspension of a member or account covers no agreement of its account."""
    if one.applied_to == rules.AGREEMENT:
        return False
    return not any(part.account_id == one.account_id and part.status != rules.RESCINDED for part in parts)


def _started(
    one: Suspension, day: date, agreement_id: UUID | None, account_id: UUID, *, repeated: bool = False
) -> SuspensionStarted:
    return SuspensionStarted(
        one.id,
        one.enterprise_id,
        one.business_unit_id,
        agreement_id,
        account_id,
        one.type,
        one.window,
        one.effects.stop_billing,
        day,
        one.applied_to,
        repeated,
        one.reason,
    )
