"""The pure rules, as tables and properties."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid5

import pytest
from arm_facts import AUSTIN, DAY, DENVER, ENTERPRISE, RULES, on
from hypothesis import given
from hypothesis import strategies as st

from boss_arm.configuration.rules import ArmSettings
from boss_arm.cycles.rules import Declined, entry_balance_minor, late_entry_balance_minor, may_enter, status_for
from boss_arm.debtors.rules import OpenItem, due_by_minor, past_due_minor
from boss_arm.schedules.rules import Line
from boss_arm.steps.rules import (
    NEVER_OUT,
    UNRELEASED,
    Outcome,
    Result,
    Rule,
    State,
    Step,
    after_response,
    after_sent,
    after_unknown,
    again,
    ended,
    plan,
    release_reason,
)
from boss_kit.money import Money

STEP = Step(
    *(ENTERPRISE, DENVER, UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)),
    *("Email", None, "", "", State.REQUESTED, DAY),
)
ITEMS = st.lists(
    st.builds(
        OpenItem,
        invoice=st.uuids().map(str),
        number=st.just(""),
        due_date=st.integers(-40, 5).map(on),
        balance_minor=st.integers(1, 10_000),
        declined=st.booleans(),
    ),
    max_size=5,
)


def rule(name: str) -> Rule:
    include, completed, status, retry, show, mark, _, _, text = RULES[name]
    return Rule(include, completed, status, retry, show, mark, text)


def told(name: str, attempt: int = 0) -> tuple[Result, Rule]:
    response = RULES[name][6]
    result = Result(
        *(ENTERPRISE, DENVER, UUID(int=2), STEP.id, Outcome.RESPONSE, attempt, DAY, response, ""), rule=rule(name)
    )
    return result, rule(name)


def answer(step: Step, name: str, attempt: int = 0, *, limit: int = 3, cycle_open: bool = True) -> Step:
    return after_response(step, *told(name, attempt), retry_limit=limit, cycle_open=cycle_open)


@pytest.mark.parametrize(
    ("due", "declined", "past_due", "by_entry"),
    [
        (on(-1), False, 3500, 3500),
        (DAY, False, 0, 3500),
        (DAY, True, 3500, 3500),
        (on(1), False, 0, 0),
        (on(1), True, 3500, 3500),
    ],
    ids=["due before", "due today", "declined today", "due later", "declined before it was due"],
)
def test_bil_11_past_due_is_declined_or_due_before_the_day(
    due: date, declined: bool, past_due: int, by_entry: int
) -> None:
    items = [OpenItem("i", "1", due, 3500, declined)]
    assert (past_due_minor(items, DAY), due_by_minor(items, DAY)) == (past_due, by_entry)


@given(ITEMS, st.data())
def test_arm_4_the_entry_balance_is_the_same_before_and_after_the_declined_flag(
    items: list[OpenItem], data: st.DataObject
) -> None:
    due = [position for position, one in enumerate(items) if one.due_date <= DAY]
    flagged = set(data.draw(st.lists(st.sampled_from(due)))) if due else set()
    after = [replace(one, declined=one.declined or position in flagged) for position, one in enumerate(items)]
    assert entry_balance_minor(items, (), 1, DAY) == entry_balance_minor(after, (), 1, DAY)
    assert entry_balance_minor(after, (), 1, DAY) >= past_due_minor(after, DAY)


@given(ITEMS)
def test_arm_11_debts_with_the_agency_bring_nobody_back(items: list[OpenItem]) -> None:
    with_agency = {one.invoice for one in items}
    assert entry_balance_minor(items, with_agency, 1, DAY) == 0
    assert late_entry_balance_minor(items, with_agency, DAY) == 0


@pytest.mark.parametrize("primary", [True, False])
@pytest.mark.parametrize("arm_entry", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("tender", ["VISA", "MC", "DISC", "AMEX", "ACH"])
@pytest.mark.parametrize("cards_only", [True, False])
def test_arm_4_who_may_enter(*, primary: bool, arm_entry: bool, enabled: bool, tender: str, cards_only: bool) -> None:
    declined = Declined(ENTERPRISE, DENVER, UUID(int=2), 3500, primary, arm_entry, tender)
    settings = ArmSettings(ENTERPRISE, DENVER, enabled=enabled, cards_only=cards_only)
    expected = primary and arm_entry and enabled and not (cards_only and tender == "ACH")
    assert may_enter(declined, settings) is expected
    assert not may_enter(declined, None)


def test_arm_5_an_attempt_in_flight_suspends() -> None:
    assert [status_for(attempt_in_flight=flying) for flying in (True, False)] == ["suspended", "active"]


LINES = st.lists(
    st.tuples(st.sampled_from(["Email", "Phone", "Letter"]), st.integers(0, 12), st.integers(0, 60)), max_size=8
).map(
    lambda made: [
        Line(uuid5(AUSTIN, str(number)), number, channel, DENVER, f"line {number}", offset, least * 100, None, True)
        for number, (channel, offset, least) in enumerate(made)
    ]
)


@given(LINES, st.sets(st.integers(0, 20)), st.lists(st.integers(1, 6000), min_size=21, max_size=21))
def test_arm_10_a_line_is_taken_at_most_once_and_never_before_its_day(
    lines: list[Line], run_days: set[int], balances: list[int]
) -> None:
    taken: dict[UUID, int] = {}
    for days in sorted(run_days):
        chosen = plan(lines, taken.keys(), days, Money(balances[days], "USD"))
        for line in (*chosen.due, *chosen.missed, *(line for line, _ in chosen.skipped)):
            assert line.id not in taken
            assert line.day_offset <= days
            taken[line.id] = days
        for line in chosen.due:
            assert line.past_due_min_minor is not None
            assert balances[days] >= line.past_due_min_minor
        for channel in {line.channel for line in chosen.due}:
            assert len({line.day_offset for line in chosen.due if line.channel == channel}) == 1
        for line in chosen.missed:
            assert any(
                other.channel == line.channel and line.day_offset < other.day_offset <= days
                for other in (*chosen.due, *(skipped for skipped, _ in chosen.skipped))
            )
    if run_days:
        assert set(taken) == {line.id for line in lines if line.day_offset <= max(run_days)}


def test_arm_10_two_lines_of_one_day_are_chosen_by_their_thresholds() -> None:
    soft = Line(UUID(int=1), 0, "Letter", DENVER, "soft", 5, None, 5000, True)
    hard = Line(UUID(int=2), 1, "Letter", DENVER, "hard", 5, 5001, None, True)
    for owed, chosen in ((5000, soft), (5001, hard)):
        assert plan([soft, hard], (), 5, Money(owed, "USD")).due == (chosen,)


EMAIL_ANSWERS = ("delivered", "opened", "clicked", "spam", "bounce", "header", "invalid")


@given(st.permutations(EMAIL_ANSWERS), st.integers(1, len(EMAIL_ANSWERS)))
def test_arm_9_the_standing_result_does_not_depend_on_the_order_of_answers(order: list[str], count: int) -> None:
    names = order[:count]
    step = after_sent(STEP, told("delivered")[0])
    for name in names:
        step = answer(step, name)
    failures = [name for name in names if rule(name).failed]
    assert step.result_failed is bool(failures)
    if not failures:
        ranks = {"delivered": 1, "opened": 2, "clicked": 3, "spam": 4}
        assert step.result_rank == max(ranks[name] for name in names)


def test_arm_9_a_retry_counts_against_the_limit_and_a_deferral_does_not() -> None:
    step = replace(STEP, state=State.DEFERRED)
    step = again(step, on(1))
    assert (step.state, step.attempt, step.retries) == (State.REQUESTED, 1, 0)
    step = answer(step, "bounce", attempt=1)
    assert step.state == State.RETRY
    step = again(step, on(2))
    assert (step.attempt, step.retries, step.request_date) == (2, 1, on(2))
    assert answer(step, "bounce", attempt=2, limit=1).state == State.FAILED
    assert answer(step, "bounce", attempt=2, cycle_open=False).state == State.FAILED


def test_arm_9_a_late_answer_of_an_earlier_attempt_ends_the_retry_when_it_is_good() -> None:
    waiting = replace(STEP, state=State.RETRY, attempt=2, result_attempt=1, result_rank=1, result_failed=True)
    assert answer(waiting, "opened", attempt=2).state == State.COMPLETED
    assert answer(waiting, "opened", attempt=1) == waiting
    assert answer(waiting, "opened", attempt=0) == waiting


def test_arm_9_an_answer_to_a_withdrawn_step_does_not_wake_it() -> None:
    assert answer(replace(STEP, state=State.WITHDRAWN), "bounce").state == State.WITHDRAWN


def test_not_5_unknown_applies_to_the_attempt_that_waits() -> None:
    result = told("delivered", attempt=0)[0]
    assert after_unknown(STEP, result).state == State.UNKNOWN
    assert after_unknown(replace(STEP, attempt=1), result).state == State.REQUESTED
    assert after_unknown(replace(STEP, state=State.COMPLETED), result).state == State.COMPLETED


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("cycle_open", [True, False])
def test_arm_5_what_was_never_released_is_released_only_while_the_cycle_is_open(
    state: State, *, cycle_open: bool
) -> None:
    reason = release_reason(
        replace(STEP, state=state), cycle_open=cycle_open, enabled=True, attempt_in_flight=False, past_due_minor=1
    )
    if state in NEVER_OUT:
        assert reason == "UNKNOWN_STEP"
    elif state in UNRELEASED and cycle_open:
        assert reason == ""
    else:
        assert reason == "CYCLE_CLOSED"


def test_arm_11_a_schedule_has_ended_when_every_line_was_taken_and_nothing_is_pending() -> None:
    lines = [Line(UUID(int=number), number, "Email", DENVER, "", number, None, None, True) for number in (1, 2)]
    assert ended(lines, {UUID(int=1), UUID(int=2)}, pending=False)
    assert not ended(lines, {UUID(int=1), UUID(int=2)}, pending=True)
    assert not ended(lines, {UUID(int=1)}, pending=False)
    assert timedelta(days=1) == on(1) - DAY
