"""Which steps may go out (DESIGN 6, SPEC ARM-5)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from arm_facts import DAY, Club, account, item
from boss.arm.v1 import cycle_service_pb2 as cycle_pb

from boss_kit.errors import PermissionDenied, Transient


@pytest.fixture
def step(club: Club, ready: Any) -> str:
    """Give a step that was asked for."""
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    ready.billing.past_due[account("S1")] = 3500
    step_id: str = asked.step_id
    return step_id


def test_arm_5_a_released_step_stays_released_until_the_exit(club: Club, ready: Any, step: str) -> None:
    assert ready.release(step) == {step: ""}
    assert ready.release(step) == {step: ""}
    club.pays("S1")
    ready.billing.past_due[account("S1")] = 0
    assert ready.release(step) == {step: "CYCLE_CLOSED"}


def test_arm_5_an_unknown_step_is_refused_and_the_others_are_not(ready: Any, step: str) -> None:
    stranger = str(uuid4())
    assert ready.release(stranger, step) == {stranger: "UNKNOWN_STEP", step: ""}


def test_arm_5_a_skipped_step_is_no_step_to_release(club: Club, ready: Any) -> None:
    club.member("S1", ways=[])
    club.declines("S1")
    club.run()
    with club.units.engine.connect() as connection:
        skipped = str(connection.exec_driver_sql("SELECT id FROM step WHERE state = 'skipped'").scalar())
    ready.billing.past_due[account("S1")] = 3500
    assert ready.release(skipped) == {skipped: "UNKNOWN_STEP"}


def test_arm_5_what_billing_says_is_paid_is_refused_before_arm_hears_of_it(ready: Any, step: str) -> None:
    ready.billing.past_due[account("S1")] = 0
    assert ready.release(step) == {step: "PAID"}


def test_arm_5_an_attempt_in_flight_defers_the_step_to_the_next_daily_run(club: Club, ready: Any, step: str) -> None:
    ready.billing.in_flight.add(account("S1"))
    assert ready.release(step) == {step: "ATTEMPT_IN_FLIGHT"}
    assert club.run() == []
    club.go(1)
    ready.billing.in_flight.clear()
    assert [(fact.step_id, fact.attempt) for fact in club.run()] == [(step, 1)]
    assert ready.release(step) == {step: ""}
    attempts = []
    for days in range(2, 7):
        club.result(step, "S1", "bounce", attempt=days - 1)
        club.go(days)
        attempts += [fact.attempt for fact in club.run() if fact.step_id == step]
    assert attempts == [2, 3, 4], "a refusal isn't one of the three retries"


def test_arm_1_a_step_of_a_unit_that_is_off_is_refused(ready: Any, step: str) -> None:
    ready.enable(enabled=False)
    assert ready.release(step) == {step: "ARM_NOT_ENABLED"}


def test_arm_5_without_billing_nothing_is_released(ready: Any, step: str) -> None:
    ready.billing.away = True
    with pytest.raises(Transient):
        ready.release(step)
    ready.billing.away = False
    assert ready.release(step) == {step: ""}


def test_all_3_a_repeated_release_gets_the_same_answer(ready: Any, step: str) -> None:
    request = cycle_pb.ReleaseStepsRequest(
        parent=account("S1").split("/businessUnits")[0], step_ids=[step], request_id=str(uuid4())
    )
    first = ready.cycles.ReleaseSteps(request)
    ready.remove("S1")
    assert ready.cycles.ReleaseSteps(request) == first


def test_arm_5_a_manager_of_one_unit_can_not_release_steps(ready: Any, make_api: Any, tokens: Any, step: str) -> None:
    unit = account("S1").split("/accounts")[0]
    manager = make_api(tokens.token("mia", ["club_manager"], [unit]))
    with pytest.raises(PermissionDenied):
        manager.release(step)


def test_arm_5_no_step_is_released_after_the_exit_is_committed(club: Club, ready: Any) -> None:
    """Releases and exits race; each step is either released before the exit, or refused."""
    numbers = [f"S{number}" for number in range(24)]
    for number in numbers:
        club.member(number)
        ready.billing.past_due[account(number)] = 3500
    club.send(
        "billing",
        [club.decline(number) for number in numbers]
        + [club.balance(number, item(number, DAY, 3500, declined=True)) for number in numbers],
    )
    steps = {fact.account: fact.step_id for fact in club.run()}
    closed_first: dict[str, bool] = {}
    start = threading.Barrier(3)

    def pay() -> None:
        start.wait()
        for position in range(0, len(numbers), 4):
            club.send("billing", [club.balance(number) for number in numbers[position : position + 4]])
            for number in numbers[position : position + 4]:
                closed_first[account(number)] = True

    def release(order: list[str]) -> dict[str, str]:
        start.wait()
        answers = {}
        for number in order:
            was_closed = closed_first.get(account(number), False)
            (reason,) = ready.release(steps[account(number)]).values()
            answers[account(number)] = "late" if was_closed and not reason else reason
        return answers

    with ThreadPoolExecutor(3) as pool:
        paying = pool.submit(pay)
        rounds = [pool.submit(release, numbers[12:]), pool.submit(release, list(reversed(numbers[:12])))]
        paying.result()
        answers = {name: reason for future in rounds for name, reason in future.result().items()}
    assert set(answers.values()) <= {"", "CYCLE_CLOSED"}
    with club.units.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT account_id, state FROM step").all()
    states = [row.state for row in rows]
    assert set(states) <= {"released", "withdrawn"}
    assert sum(not reason for reason in answers.values()) == states.count("released")
