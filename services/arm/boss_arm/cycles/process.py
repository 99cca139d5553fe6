"""The hand-over: accounts whose schedule has ended go to collections (SPEC ARM-11)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from boss_arm.configuration import store as configurations
from boss_arm.configuration.rules import ArmSettings
from boss_arm.cycles import commands, store
from boss_arm.cycles.commands import Exit
from boss_arm.cycles.rules import CloseReason, Cycle, HandedToCollections
from boss_arm.debtors import store as debtors
from boss_arm.debtors.queries import member_key
from boss_arm.debtors.rules import past_due_minor
from boss_arm.schedules import store as schedules
from boss_arm.schedules.rules import Schedule
from boss_arm.steps import store as steps
from boss_arm.steps.rules import PENDING, Step, ended
from boss_kit.tasks import Task
from boss_kit.unit_of_work import Transaction, UnitOfWork

if TYPE_CHECKING:
    from boss_arm.debtors.store import AccountRow


def hand_over(units: UnitOfWork) -> Callable[[Task], None]:
    """Make the process of the job `hand-over`: page by page, a transaction each, repeatable from the start."""

    def process(task: Task) -> None:
        assert task.business_date is not None
        after: UUID | None = None
        more = True
        while more:
            with units.begin(task.context) as tx:
                after = hand_over_page(tx, task.business_date, after)
            more = after is not None

    return process


def hand_over_page(tx: Transaction, day: date, after: UUID | None) -> UUID | None:
    """Hand over what is ripe among a page of open cycles; give the last account, none after the last page."""
    enabled = configurations.enabled_settings(tx.connection, tx.enterprise_id)
    handing = {unit_id: settings for unit_id, settings in enabled.items() if settings.hand_over_after_days > 0}
    if not handing:
        return None
    sent_by = day - timedelta(days=min(settings.hand_over_after_days for settings in handing.values()))
    accounts = store.lock_page(tx.connection, tx.enterprise_id, handing.keys(), after, sent_by=sent_by)
    if not accounts:
        return None
    cycles = store.open_cycles(tx.connection, tx.enterprise_id, accounts)
    ripe = _ripe(tx, sorted(cycles.values(), key=lambda cycle: cycle.account_id), handing, day)
    _hand_over(tx, ripe, accounts, handing, day)
    return store.next_page(accounts)


def _ripe(tx: Transaction, cycles: Sequence[Cycle], handing: Mapping[UUID, ArmSettings], day: date) -> Sequence[Cycle]:
    """Choose the cycles whose days are over and whose schedule has ended."""
    old = [cycle for cycle in cycles if cycle.days_on(day) >= handing[cycle.business_unit_id].hand_over_after_days]
    pinned = schedules.find_schedules(
        tx.connection, tx.enterprise_id, {cycle.schedule_id for cycle in old if cycle.schedule_id is not None}
    )
    taken = steps.steps_of_cycles(tx.connection, tx.enterprise_id, [cycle.id for cycle in old]) if old else {}
    # A cycle that never met a schedule has none that could end.
    return [
        cycle
        for cycle in old
        if cycle.schedule_id is not None and _has_ended(pinned[cycle.schedule_id], taken.get(cycle.id, ()))
    ]


def _has_ended(schedule: Schedule, taken: Sequence[Step]) -> bool:
    pending = any(step.state in PENDING for step in taken)
    return ended(schedule.active_lines, {step.line_id for step in taken}, pending=pending)


def _hand_over(
    tx: Transaction,
    cycles: Sequence[Cycle],
    accounts: "Mapping[UUID, AccountRow]",
    handing: Mapping[UUID, ArmSettings],
    day: date,
) -> None:
    """Close cycles that still owe, tell collections, and remember which invoices are with the agency."""
    if not cycles:
        return
    account_ids = [cycle.account_id for cycle in cycles]
    units = debtors.find_units(tx.connection, tx.enterprise_id, handing)
    members = debtors.responsible_members(tx.connection, tx.enterprise_id, account_ids)
    exits = []
    for cycle in cycles:
        account = accounts[cycle.account_id]
        items = debtors.read_items(account.open_items)
        balance = past_due_minor(items, day)
        # While an attempt is in flight the debt may be paid in a moment: the next day's run looks again.
        if balance <= 0 or account.attempt_in_flight:
            continue
        agency = handing[cycle.business_unit_id].hand_over_agency
        member, currency = member_key(members.get(cycle.account_id)), units[cycle.business_unit_id].currency
        tx.publish(HandedToCollections(cycle, day, member, balance, currency, agency))
        debtors.set_handed_over(
            tx.connection,
            tx.enterprise_id,
            cycle.account_id,
            [item.invoice for item in items if past_due_minor([item], day)],
        )
        note = f": {agency}" if agency else ""
        exits.append(Exit(cycle, day, CloseReason.HANDED_OVER, balance, note=note))
    commands.close_cycles(tx, tx.enterprise_id, exits)
