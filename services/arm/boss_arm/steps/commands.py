"""Results and releases of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from boss_arm.configuration import store as configurations
from boss_arm.configuration.rules import RETRY_LIMIT_DEFAULT
from boss_arm.cycles import store as cycles
from boss_arm.cycles.rules import Cycle
from boss_arm.debtors import store as debtors
from boss_arm.debtors.queries import by_enterprise
from boss_arm.debtors.rules import LETTER, Mark, past_due_minor
from boss_arm.history import store as history
from boss_arm.history.rules import ActivityResult, Delivery
from boss_arm.steps import rules, store
from boss_arm.steps.rules import LETTER_RULE, Outcome, Result, Rule, State, Step
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction

if TYPE_CHECKING:
    from boss_arm.debtors.store import AccountRow

DEFERRING = ("ATTEMPT_IN_FLIGHT", "PAID", "ARM_NOT_ENABLED")
"""Refusals that are for now: while its cycle is open, the step is requested again at the next daily run."""


@dataclass(frozen=True)
class BillingBalance:
    """What billing says about an account right now."""

    past_due_minor: int
    attempt_in_flight: bool


@dataclass(frozen=True)
class Decision:
    """Whether a step may go out; `reason` is empty if it may."""

    step_id: UUID
    reason: str


@dataclass(frozen=True)
class _Told:
    """One result and what it makes of its step; `rule` is the row that is news."""

    result: Result
    cycle: Cycle
    before: Step
    after: Step
    rule: Rule | None


def apply_results(tx: Transaction, received: Sequence[Received[Result]]) -> None:
    """Take in what became of steps: the delivery log always; history, retries, marks as the row says (SPEC ARM-9)."""
    for enterprise_id, page in by_enterprise(received).items():
        results = sorted((one.fact for one in page), key=lambda result: result.account_id)
        accounts = debtors.lock_accounts(tx.connection, enterprise_id, [result.account_id for result in results])
        history.add_deliveries(tx.connection, [_delivery(result) for result in results], tx.now)
        told = _tell_all(tx, enterprise_id, results)
        if told:
            _write_told(tx, enterprise_id, told, accounts)


def accounts_of(tx: Transaction, step_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Give the accounts to ask billing about, with their units."""
    steps = store.find_steps(tx.connection, tx.enterprise_id, step_ids)
    return {step.account_id: step.business_unit_id for step in steps.values()}


def release(tx: Transaction, step_ids: Sequence[UUID], balances: Mapping[UUID, BillingBalance]) -> Sequence[Decision]:
    """Release or refuse steps under the locks that an exit takes too: none is released after it (SPEC ARM-5)."""
    accounts = accounts_of(tx, step_ids)
    debtors.lock_accounts(tx.connection, tx.enterprise_id, accounts)
    # Only what is read after the lock is true.
    steps = store.find_steps(tx.connection, tx.enterprise_id, step_ids)
    found = cycles.find_cycles(tx.connection, tx.enterprise_id, {step.cycle_id for step in steps.values()})
    enabled = configurations.enabled_settings(tx.connection, tx.enterprise_id)
    decisions, changed = [], {}
    for step_id in step_ids:
        step = steps.get(step_id)
        if step is None:
            decisions.append(Decision(step_id, "UNKNOWN_STEP"))
            continue
        balance = balances.get(step.account_id, BillingBalance(0, attempt_in_flight=False))
        reason = rules.release_reason(
            step,
            cycle_open=found[step.cycle_id].is_open,
            enabled=step.business_unit_id in enabled,
            attempt_in_flight=balance.attempt_in_flight,
            past_due_minor=balance.past_due_minor,
        )
        decisions.append(Decision(step_id, reason))
        if step.state in rules.UNRELEASED and not reason:
            changed[step_id] = replace(step, state=State.RELEASED, released_attempt=step.attempt)
        elif step.state in rules.UNRELEASED and reason in DEFERRING:
            changed[step_id] = replace(step, state=State.DEFERRED)
    store.keep_steps(tx.connection, list(changed.values()))
    return decisions


def _tell_all(tx: Transaction, enterprise_id: UUID, results: Sequence[Result]) -> Sequence[_Told]:
    """Read the steps and their cycles, and what each result makes of its step."""
    known = store.find_steps(tx.connection, enterprise_id, [result.step_id for result in results])
    # A result that names another account than its step's is no result of the step.
    pairs = [(result, known[result.step_id]) for result in results if result.step_id in known]
    pairs = [(result, step) for result, step in pairs if step.account_id == result.account_id]
    found = cycles.find_cycles(tx.connection, enterprise_id, {step.cycle_id for _, step in pairs})
    limits = configurations.retry_limits(tx.connection, enterprise_id)
    return [
        _tell(result, step, found[step.cycle_id], limits.get(step.business_unit_id, RETRY_LIMIT_DEFAULT))
        for result, step in pairs
    ]


def _write_told(
    tx: Transaction, enterprise_id: UUID, told: Sequence[_Told], accounts: "Mapping[UUID, AccountRow]"
) -> None:
    store.keep_steps(tx.connection, [one.after for one in told if one.after != one.before])
    cycles.count_sent(tx.connection, enterprise_id, _sent(told))
    again = [one.after.id for one in told if _went_out_again(one)]
    history.show(tx.connection, enterprise_id, again, visible=True)
    lines = [
        _line(one, rule, accounts[one.after.account_id].open_items) for one in told if (rule := one.rule) is not None
    ]
    history.write_results(tx.connection, enterprise_id, lines)
    debtors.add_marks(tx.connection, [mark for one in told if (mark := _mark(one)) is not None])


def _tell(result: Result, step: Step, cycle: Cycle, retry_limit: int) -> _Told:
    if result.outcome == Outcome.UNKNOWN:
        return _Told(result, cycle, step, rules.after_unknown(step, result), None)
    after, rule = step, result.rule
    if result.outcome == Outcome.SENT:
        after = rules.after_sent(step, result)
        # A letter has no answer but this one (SPEC ARM-9).
        rule = (rule or LETTER_RULE) if step.channel == LETTER else None
    elif result.outcome != Outcome.RESPONSE:
        rule = None
    if rule is None:
        return _Told(result, cycle, step, after, None)
    answered = rules.after_response(after, result, rule, retry_limit=retry_limit, cycle_open=cycle.is_open)
    return _Told(result, cycle, step, answered, rule if answered != after else None)


def _sent(told: Sequence[_Told]) -> dict[UUID, dict[str, int]]:
    """Count what went out by cycle and channel."""
    counts: dict[UUID, dict[str, int]] = {}
    for one in told:
        if one.after.sent_attempt > one.before.sent_attempt:
            of_cycle = counts.setdefault(one.after.cycle_id, {})
            of_cycle[one.after.channel] = of_cycle.get(one.after.channel, 0) + 1
    return counts


def _went_out_again(one: _Told) -> bool:
    """Tell whether a step that was only in the delivery log is an open activity again."""
    return one.after.sent_attempt > one.before.sent_attempt and one.before.result_attempt is not None


def _line(one: _Told, rule: Rule, open_items: Sequence[Sequence[Any]] | None) -> ActivityResult:
    settled, day, cycle = rule.include and rule.completed, one.result.result_date, one.cycle
    live = past_due_minor(debtors.read_items(open_items), day)
    return ActivityResult(
        step_id=one.after.id,
        result_date=day if settled else None,
        result=rule.description if rule.include and rule.show else "",
        visible=rule.include,
        settled=settled,
        days_in_arm=cycle.days_on(day),
        past_due_minor=live if cycle.is_open else cycle.run_past_due_minor,
    )


def _mark(one: _Told) -> Mark | None:
    """Remember an invalid contact until agreements says so; never an address (SPEC ARM-9)."""
    step, rule = one.after, one.result.rule
    if one.result.outcome != Outcome.RESPONSE or rule is None or not rule.mark_invalid:
        return None
    if step.channel == LETTER or step.member_id is None:
        return None
    return Mark(
        step.enterprise_id,
        step.business_unit_id,
        step.member_id,
        step.channel,
        step.contact,
        step.contact_value,
        one.result.result_date,
    )


def _delivery(result: Result) -> Delivery:
    return Delivery(
        result.enterprise_id,
        result.business_unit_id,
        result.account_id,
        result.step_id,
        result.attempt,
        result.outcome,
        result.result_date,
        result.response,
        result.response_detail,
        result.rule is not None,
        result.rule.description if result.rule is not None else "",
    )
