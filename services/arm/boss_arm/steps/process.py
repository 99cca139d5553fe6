"""The daily run: days in ARM, balances, due steps, silence (SPEC ARM-10)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from boss_arm.configuration import store as configurations
from boss_arm.configuration.rules import ArmSettings
from boss_arm.cycles import store as cycles
from boss_arm.cycles.commands import Attempt, follow_attempts
from boss_arm.cycles.rules import Cycle, log
from boss_arm.debtors import store as debtors
from boss_arm.debtors.rules import BusinessUnit, Contact, Mark, Member, choose_contact, past_due_minor
from boss_arm.history import store as history
from boss_arm.history.rules import NewActivity
from boss_arm.schedules import store as schedules
from boss_arm.schedules.rules import Line, Schedule
from boss_arm.steps import rules, store
from boss_arm.steps.rules import NotificationRequested, Sender, State, Step
from boss_kit.ids import derived_id
from boss_kit.money import Money
from boss_kit.tasks import Task
from boss_kit.unit_of_work import Transaction, UnitOfWork

if TYPE_CHECKING:
    from boss_arm.debtors.store import AccountRow


def daily_run(units: UnitOfWork) -> Callable[[Task], None]:
    """Make the process of the job `daily-run`: page by page, a transaction each, repeatable from the start."""

    def process(task: Task) -> None:
        assert task.business_date is not None
        after: UUID | None = None
        more = True
        while more:
            with units.begin(task.context) as tx:
                after = run_page(tx, task.business_date, after)
            more = after is not None
        with units.begin(task.context) as tx:
            end_silence(tx, task.business_date)

    return process


def run_page(tx: Transaction, day: date, after: UUID | None) -> UUID | None:
    """Run a page of open cycles that no run of the day has seen; give the last account, none after the last page."""
    enabled = configurations.enabled_settings(tx.connection, tx.enterprise_id)
    if not enabled:
        return None
    accounts = cycles.lock_page(tx.connection, tx.enterprise_id, enabled.keys(), after, sent_by=day, run_before=day)
    if not accounts:
        return None
    cases = _read_cases(tx, accounts, enabled, day)
    # Nothing past due: the exit, or the balance of the entry's own decline, is still on its way.
    owing = [case for case in cases if case.balance.amount_minor > 0]
    follow_attempts(
        tx,
        tx.enterprise_id,
        [Attempt(case.cycle, day, case.balance.amount_minor, case.attempt_in_flight) for case in owing],
    )
    _take_steps(tx, [case for case in owing if not case.attempt_in_flight])
    if cases:
        figures = [
            (case.cycle.id, case.balance.amount_minor, case.schedule.id if case.schedule else None) for case in cases
        ]
        cycles.write_run(tx.connection, tx.enterprise_id, day, figures)
    return cycles.next_page(accounts)


def end_silence(tx: Transaction, day: date) -> None:
    """Give emails and calls that nobody answered in time their result (SPEC ARM-9)."""
    silent = store.complete_silent(tx.connection, tx.enterprise_id, day)
    if silent:
        history.write_silence(tx.connection, tx.enterprise_id, silent, day)


@dataclass(frozen=True)
class _Case:
    """An open cycle with what a daily run reads of it."""

    cycle: Cycle
    day: date
    account_number: str
    unit: BusinessUnit
    settings: ArmSettings
    schedule: Schedule | None
    balance: Money
    attempt_in_flight: bool
    steps: Sequence[Step]

    @property
    def plan(self) -> rules.Plan:
        """Choose among the lines not taken yet."""
        lines = self.schedule.active_lines if self.schedule is not None else ()
        return rules.plan(lines, {step.line_id for step in self.steps}, self.cycle.days_on(self.day), self.balance)

    @property
    def again(self) -> Sequence[Step]:
        """Give the steps that are to be tried again; a cycle is run once a day, so that is not before the next one."""
        waiting = (State.RETRY, State.DEFERRED)
        return [step for step in self.steps if step.state in waiting]


@dataclass
class _Writing:
    """What a page writes: steps, lines of the history, requests."""

    steps: list[Step] = field(default_factory=list)
    activities: list[NewActivity] = field(default_factory=list)
    requests: list[NotificationRequested] = field(default_factory=list)


def _read_cases(
    tx: Transaction, accounts: "Mapping[UUID, AccountRow]", enabled: Mapping[UUID, ArmSettings], day: date
) -> Sequence[_Case]:
    found = cycles.open_cycles(tx.connection, tx.enterprise_id, accounts)
    units = debtors.find_units(tx.connection, tx.enterprise_id, {cycle.business_unit_id for cycle in found.values()})
    taken = store.steps_of_cycles(tx.connection, tx.enterprise_id, [cycle.id for cycle in found.values()])
    return [
        _Case(
            cycle=cycle,
            day=day,
            account_number=accounts[account_id].number,
            unit=units[cycle.business_unit_id],
            settings=enabled[cycle.business_unit_id],
            schedule=schedule,
            balance=Money(
                past_due_minor(debtors.read_items(accounts[account_id].open_items), day),
                units[cycle.business_unit_id].currency,
            ),
            attempt_in_flight=accounts[account_id].attempt_in_flight,
            steps=taken.get(cycle.id, ()),
        )
        for account_id, cycle, schedule in _with_schedules(tx, found)
    ]


def _with_schedules(tx: Transaction, found: Mapping[UUID, Cycle]) -> Iterator[tuple[UUID, Cycle, Schedule | None]]:
    """Give cycles with their pinned schedule; one that began before there was any pins the first it meets."""
    pinned_ids = {cycle.schedule_id for cycle in found.values() if cycle.schedule_id is not None}
    pinned = schedules.find_schedules(tx.connection, tx.enterprise_id, pinned_ids)
    bare = {cycle.business_unit_id for cycle in found.values() if cycle.schedule_id is None}
    current = schedules.current_schedules(tx.connection, tx.enterprise_id, bare) if bare else {}
    for account_id in sorted(found):
        cycle = found[account_id]
        own = pinned.get(cycle.schedule_id) if cycle.schedule_id is not None else current.get(cycle.business_unit_id)
        yield account_id, cycle, own


def _take_steps(tx: Transaction, cases: Sequence[_Case]) -> None:
    """Request, skip and miss what is due, and request again what is to be tried again."""
    work = [(case, case.plan, case.again) for case in cases]
    work = [(case, plan, again) for case, plan, again in work if plan.due or plan.skipped or plan.missed or again]
    if not work:
        return
    members = debtors.responsible_members(
        tx.connection, tx.enterprise_id, [case.cycle.account_id for case, _, _ in work]
    )
    marks = debtors.marks_of(tx.connection, tx.enterprise_id, [member.id for member in members.values()])
    writing = _Writing()
    for case, plan, again in work:
        member = members.get(case.cycle.account_id)
        if member is None:
            continue  # Nobody to write to is known yet: the lines stay open until the member is.
        for line in plan.missed:
            _pass_over(
                tx,
                writing,
                case,
                member,
                line,
                State.MISSED,
                f"Missed: {line.description} (due on day {line.day_offset})",
            )
        for line, reason in plan.skipped:
            _pass_over(tx, writing, case, member, line, State.SKIPPED, f"Skipped: {line.description} ({reason})")
        for step in again:
            _repeat(writing, case, member, step)
        for line in plan.due:
            _request(tx, writing, case, member, line, marks.get((member.id, line.channel)))
    store.keep_steps(tx.connection, writing.steps)
    history.add_activities(tx.connection, writing.activities, tx.now)
    tx.publish(*writing.requests)


def _pass_over(
    tx: Transaction, writing: _Writing, case: _Case, member: Member, line: Line, state: State, text: str
) -> None:
    """Log a line that doesn't go out and won't be looked at again."""
    writing.steps.append(_step(case, member, line, None, state))
    writing.activities.append(log(case.cycle, case.day, text, case.balance.amount_minor, tx.context.correlation))


def _request(tx: Transaction, writing: _Writing, case: _Case, member: Member, line: Line, mark: Mark | None) -> None:
    """Ask notifications to send a line, unless its channel is closed."""
    contact = choose_contact(member.contacts, line.channel)
    reason = rules.unreachable(line.channel, contact, mark)
    if reason:
        _pass_over(tx, writing, case, member, line, State.SKIPPED, f"Skipped: {line.description} ({reason})")
        return
    step = _step(case, member, line, contact, State.REQUESTED)
    writing.steps.append(step)
    writing.requests.append(_fact(case, member, step, line, contact))
    row = log(case.cycle, case.day, line.description, case.balance.amount_minor, tx.context.correlation)
    shown = contact.shown if contact is not None else ""
    writing.activities.append(replace(row, type=line.channel, step_id=step.id, settled=False, contact_info=shown))


def _repeat(writing: _Writing, case: _Case, member: Member, step: Step) -> None:
    """Ask once more, at the contact it was sent to: its own retry goes even to one marked invalid (SPEC ARM-9)."""
    assert case.schedule is not None
    line = next(line for line in case.schedule.lines if line.id == step.line_id)
    same = next((contact for contact in member.contacts if contact.name == step.contact), None)
    contact = same or choose_contact(member.contacts, step.channel)
    repeated = rules.again(step, case.day)
    if contact is not None:
        repeated = replace(repeated, contact=contact.name, contact_value=contact.value)
    writing.steps.append(repeated)
    writing.requests.append(_fact(case, member, repeated, line, contact))


def _step(case: _Case, member: Member, line: Line, contact: Contact | None, state: State) -> Step:
    return Step(
        enterprise_id=case.cycle.enterprise_id,
        business_unit_id=case.cycle.business_unit_id,
        id=derived_id(case.cycle.id, "step", str(line.id)),
        account_id=case.cycle.account_id,
        cycle_id=case.cycle.id,
        line_id=line.id,
        channel=line.channel,
        member_id=member.id,
        contact=contact.name if contact is not None else "",
        contact_value=contact.value if contact is not None else "",
        state=state,
        request_date=case.day,
    )


def _in_words(day: date) -> str:
    """Write a day as the letters' own date is written."""
    return f"{day:%B} {day.day}, {day.year}"


def _fact(case: _Case, member: Member, step: Step, line: Line, contact: Contact | None) -> NotificationRequested:
    settings = case.settings
    placeholders = {
        "first_name": member.first_name,
        "last_name": member.last_name,
        "club_name": case.unit.display_name,
        "past_due_balance": str(case.balance),
        "days_in_arm": str(case.cycle.days_on(case.day)),
        "sent_date": _in_words(case.cycle.sent_date),
        "account_number": case.account_number or member.external_id,
        "caller_number": settings.caller_number,
        "reply_to_address": settings.reply_to_address,
    }
    sender = Sender(
        case.unit.display_name,
        settings.from_address,
        settings.reply_to_address,
        settings.caller_number,
        settings.return_address_lines,
    )
    return NotificationRequested(
        step=step,
        send_date=case.day,
        notification_template=line.notification_template,
        address_lines=contact.address_lines if contact is not None else (),
        placeholders=tuple(placeholders.items()),
        member_business_unit_id=member.business_unit_id,
        time_zone=member.time_zone or case.unit.time_zone,
        do_not_call=member.do_not_call,
        sender=sender,
        recipient_name=member.full_name,
    )
