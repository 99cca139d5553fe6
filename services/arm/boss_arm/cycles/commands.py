"""Entry, exit and suspension of cycles. The set-based handlers take a page of events; the callers lock the accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_arm.configuration import queries as configuration
from boss_arm.configuration import store as configurations
from boss_arm.cycles import rules, store
from boss_arm.cycles.rules import CloseReason, Cycle, CycleClosed, CycleOpened, Declined, Status, SuspensionTold
from boss_arm.debtors import store as debtors
from boss_arm.debtors.queries import by_enterprise, correlation_of, member_key, today
from boss_arm.debtors.rules import CHANNELS, Balance, Member, choose_contact, past_due_minor
from boss_arm.history import store as history
from boss_arm.schedules import store as schedules
from boss_arm.schedules.rules import Schedule
from boss_arm.steps import store as steps
from boss_arm.steps.rules import UNRELEASED, NotificationWithdrawn
from boss_kit.errors import FailedPrecondition
from boss_kit.events.received import Received
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Cause, Transaction


@dataclass(frozen=True)
class Entry:
    """An account that is to enter; `cause` is the event it follows from, none for a call."""

    business_unit_id: UUID
    account_id: UUID
    balance_minor: int
    day: date
    cause: Cause | None = None
    manual: bool = False


@dataclass(frozen=True)
class Exit:
    """A cycle that is to end."""

    cycle: Cycle
    day: date
    reason: CloseReason
    balance_minor: int
    cause: Cause | None = None
    note: str = ""


@dataclass(frozen=True)
class Attempt:
    """Whether a payment attempt of an open cycle's account is in flight."""

    cycle: Cycle
    day: date
    balance_minor: int
    in_flight: bool
    cause: Cause | None = None

    @property
    def status(self) -> Status:
        """Tell the status it asks for."""
        return rules.status_for(attempt_in_flight=self.in_flight)


def enter_on_declines(tx: Transaction, received: Sequence[Received[Declined]]) -> None:
    """Open cycles for accounts whose primary payment was finally declined (SPEC ARM-4).

    The balance of the same transaction may come before or after the decline: where nothing is past due yet, the decline
    waits for the day's next balance.
    """
    for enterprise_id, declines in by_enterprise(received).items():
        enabled = configurations.enabled_settings(tx.connection, enterprise_id)
        page = [one for one in declines if rules.may_enter(one.fact, enabled.get(one.fact.business_unit_id))]
        if not page:
            continue
        keys = {(enterprise_id, one.fact.business_unit_id, one.fact.account_id) for one in page}
        debtors.ensure_accounts(tx.connection, keys)
        account_ids = [one.fact.account_id for one in page]
        accounts = debtors.lock_accounts(tx.connection, enterprise_id, account_ids)
        inside = store.open_cycles(tx.connection, enterprise_id, account_ids)
        entries, waiting = [], {}
        for one in page:
            fact, day, account = one.fact, one.event.business_date, accounts[one.fact.account_id]
            if fact.account_id in inside:
                continue
            items = None if account.open_items is None else debtors.read_items(account.open_items)
            balance = rules.entry_balance_minor(items, account.handed_over_invoices, fact.amount_minor, day)
            if balance > 0:
                entries.append(Entry(fact.business_unit_id, fact.account_id, balance, day, one))
            else:
                waiting[fact.account_id] = day
        for day in sorted(set(waiting.values())):
            of_day = [account_id for account_id, waits in waiting.items() if waits == day]
            debtors.set_decline_dates(tx.connection, enterprise_id, of_day, day)
        open_cycles(tx, enterprise_id, entries)


def follow_balances(tx: Transaction, received: Sequence[Received[Balance]]) -> None:
    """Keep balances, and let cycles follow: exit when nothing is past due, suspended while an attempt is in flight."""
    debtors.keep_balances(tx.connection, [one.fact for one in received])
    for enterprise_id, page in by_enterprise(received).items():
        by_account = {one.fact.account_id: one for one in page}
        _enter_late(tx, enterprise_id, by_account)
        inside = store.open_cycles(tx.connection, enterprise_id, by_account)
        exits, attempts = [], []
        for account_id in sorted(inside):
            cycle, one = inside[account_id], by_account[account_id]
            day = one.event.business_date
            balance = past_due_minor(one.fact.open_items, day)
            if balance > 0:
                attempts.append(Attempt(cycle, day, balance, one.fact.attempt_in_flight, one))
            else:
                exits.append(Exit(cycle, day, CloseReason.PAID, balance, one))
        follow_attempts(tx, enterprise_id, attempts)
        close_cycles(tx, enterprise_id, exits)


def follow_attempts(tx: Transaction, enterprise_id: UUID, attempts: Sequence[Attempt]) -> None:
    """Suspend open cycles while an attempt is in flight, and return them afterwards (SPEC ARM-5)."""
    changed = [one for one in attempts if one.status != one.cycle.status]
    if not changed:
        return
    for status in (Status.ACTIVE, Status.SUSPENDED):
        store.set_status(
            tx.connection, enterprise_id, [one.cycle.id for one in changed if one.status == status], status
        )
    rows = [
        rules.log(
            one.cycle,
            one.day,
            rules.PAUSED if one.in_flight else rules.PAYMENT_ANSWERED,
            one.balance_minor,
            correlation_of(tx, one.cause),
            suspension=True,
        )
        for one in changed
    ]
    history.add_activities(tx.connection, rows, tx.now)


def log_suspensions(tx: Transaction, received: Sequence[Received[SuspensionTold]]) -> None:
    """Log a suspension of an account in ARM, once; it doesn't pause the steps (SPEC SUS-9)."""
    for enterprise_id, page in by_enterprise([one for one in received if not one.fact.repeated]).items():
        by_account = {one.fact.account_id: one for one in page}
        accounts = debtors.lock_accounts(tx.connection, enterprise_id, by_account)
        inside = store.open_cycles(tx.connection, enterprise_id, accounts)
        rows = []
        for account_id in sorted(inside):
            one, day = by_account[account_id], by_account[account_id].event.business_date
            balance = past_due_minor(debtors.read_items(accounts[account_id].open_items), day)
            rows.append(
                rules.log(inside[account_id], day, one.fact.text, balance, one.event.correlation, suspension=True)
            )
        history.add_activities(tx.connection, rows, tx.now)


def add_to_arm(tx: Transaction, unit_id: UUID, account_id: UUID) -> None:
    """Open a cycle by hand (SPEC ARM-4)."""
    configuration.settings(tx, unit_id)
    day = today(tx, unit_id)
    found = debtors.lock_accounts(tx.connection, tx.enterprise_id, [account_id]).get(account_id)
    account = found if found is not None and found.business_unit_id == unit_id else None
    if account is not None and store.open_cycles(tx.connection, tx.enterprise_id, [account_id]):
        raise FailedPrecondition("ALREADY_IN_ARM", "The account is in ARM already; its present cycle goes on.")
    items = debtors.read_items(account.open_items) if account is not None else ()
    balance = past_due_minor(items, day)
    rules.require_past_due(balance)
    assert account is not None
    open_cycles(tx, tx.enterprise_id, [Entry(unit_id, account_id, balance, day, manual=True)])
    if account.attempt_in_flight:
        (cycle,) = store.open_cycles(tx.connection, tx.enterprise_id, [account_id]).values()
        follow_attempts(tx, tx.enterprise_id, [Attempt(cycle, day, balance, in_flight=True)])


def remove_from_arm(tx: Transaction, unit_id: UUID, account_id: UUID, *, confirmed: bool) -> None:
    """Close a cycle by hand (SPEC ARM-5)."""
    configuration.settings(tx, unit_id)
    account = debtors.lock_accounts(tx.connection, tx.enterprise_id, [account_id]).get(account_id)
    inside = store.open_cycles(tx.connection, tx.enterprise_id, [account_id]).get(account_id)
    if account is None or inside is None or inside.business_unit_id != unit_id:
        raise FailedPrecondition("NOT_IN_ARM", "The account isn't in ARM, so there is nothing to remove.")
    if not confirmed:
        raise FailedPrecondition("CONFIRMATION_REQUIRED", rules.REMOVE_WARNING)
    day = today(tx, unit_id)
    balance = past_due_minor(debtors.read_items(account.open_items), day)
    close_cycles(tx, tx.enterprise_id, [Exit(inside, day, CloseReason.REMOVED, balance)])


def open_cycles(tx: Transaction, enterprise_id: UUID, entries: Sequence[Entry]) -> None:
    """Open a cycle for each entry: none of the accounts has one, and all are locked."""
    if not entries:
        return
    entries = sorted(entries, key=lambda entry: entry.account_id)
    account_ids = [entry.account_id for entry in entries]
    numbers = store.last_numbers(tx.connection, enterprise_id, account_ids)
    members = debtors.responsible_members(tx.connection, enterprise_id, account_ids)
    units = {entry.business_unit_id for entry in entries}
    pinned = schedules.current_schedules(tx.connection, enterprise_id, units)
    known = debtors.find_units(tx.connection, enterprise_id, units)
    made = []
    for entry in entries:
        schedule = pinned.get(entry.business_unit_id)
        cycle = _cycle(tx, enterprise_id, entry, numbers.get(entry.account_id, 0) + 1, schedule)
        made.append((entry, cycle))
        member = members.get(entry.account_id)
        currency = known[entry.business_unit_id].currency
        tx.publish(CycleOpened(cycle, currency, member_key(member), _contacts(member, schedule)), cause=entry.cause)
    store.add_cycles(tx.connection, [cycle for _, cycle in made])
    texts = {True: rules.SENT_BY_HAND, False: rules.SENT_BY_DECLINE}
    rows = [
        rules.log(cycle, entry.day, texts[entry.manual], entry.balance_minor, correlation_of(tx, entry.cause))
        for entry, cycle in made
    ]
    history.add_activities(tx.connection, rows, tx.now)


def close_cycles(tx: Transaction, enterprise_id: UUID, exits: Sequence[Exit]) -> None:
    """End cycles and withdraw what they still wanted to send: nothing goes out after this commit (SPEC ARM-5)."""
    if not exits:
        return
    withdrawn = steps.withdraw_pending(tx.connection, enterprise_id, [one.cycle.id for one in exits])
    unheard = [step.id for step in withdrawn if step.sent_attempt < 0 and step.result_rank is None]
    history.show(tx.connection, enterprise_id, unheard, visible=False)
    ending: dict[tuple[date, CloseReason], list[UUID]] = {}
    for one in exits:
        ending.setdefault((one.day, one.reason), []).append(one.cycle.id)
    for (day, reason), cycle_ids in ending.items():
        store.close(tx.connection, enterprise_id, cycle_ids, day, reason)
    rows = []
    for one in sorted(exits, key=lambda one: one.cycle.account_id):
        correlation, text = correlation_of(tx, one.cause), rules.EXIT_TEXTS[one.reason] + one.note
        if one.cycle.status == Status.SUSPENDED:
            resumed = rules.RESUMED_BY_EXIT[one.reason]
            rows.append(rules.log(one.cycle, one.day, resumed, one.balance_minor, correlation, suspension=True))
        rows.append(rules.log(one.cycle, one.day, text, one.balance_minor, correlation))
        unreleased = [step for step in withdrawn if step.cycle_id == one.cycle.id and step.state in UNRELEASED]
        tx.publish(*(NotificationWithdrawn(step, one.day, text) for step in unreleased), cause=one.cause)
        closed = replace(one.cycle, status=Status.CLOSED, close_date=one.day, close_reason=one.reason)
        tx.publish(CycleClosed(closed, one.day, one.reason), cause=one.cause)
    history.add_activities(tx.connection, rows, tx.now)


def _enter_late(tx: Transaction, enterprise_id: UUID, by_account: Mapping[UUID, Received[Balance]]) -> None:
    """Open the cycles of declines that came before their transaction's balance; those of other days are forgotten."""
    waiting = debtors.waiting_declines(tx.connection, enterprise_id, by_account)
    if not waiting:
        return
    debtors.set_decline_dates(tx.connection, enterprise_id, waiting, None)
    inside = store.open_cycles(tx.connection, enterprise_id, waiting)
    entries = []
    for account_id, row in waiting.items():
        one = by_account[account_id]
        day = one.event.business_date
        balance = rules.late_entry_balance_minor(one.fact.open_items, row.handed_over_invoices, day)
        if row.decline_date == day and balance > 0 and account_id not in inside:
            entries.append(Entry(row.business_unit_id, account_id, balance, day, one))
    open_cycles(tx, enterprise_id, entries)


def _cycle(tx: Transaction, enterprise_id: UUID, entry: Entry, number: int, schedule: Schedule | None) -> Cycle:
    return Cycle(
        enterprise_id=enterprise_id,
        business_unit_id=entry.business_unit_id,
        id=derived_id(entry.account_id, "cycle", str(number)),
        account_id=entry.account_id,
        number=number,
        schedule_id=schedule.id if schedule else None,
        status=Status.ACTIVE,
        manual=entry.manual,
        sent_date=entry.day,
        sent_balance_minor=entry.balance_minor,
        close_date=None,
        close_reason="",
        letters_sent=0,
        phone_calls_made=0,
        emails_sent=0,
        run_date=None,
        run_past_due_minor=entry.balance_minor,
        create_time=tx.now,
    )


def _contacts(member: Member | None, schedule: Schedule | None) -> tuple[str, ...]:
    """Choose the contacts of an entry: one of each channel that has a template in the schedule (SPEC ARM-8)."""
    used = {line.channel for line in schedule.active_lines} if schedule else set()
    chosen = (choose_contact(member.contacts, channel) for channel in CHANNELS if channel in used) if member else ()
    return tuple(one.name for one in chosen if one is not None and (one.arm_purpose or not one.invalid))
