"""Durable work: done once, by one process at a time, for as long as it takes."""

import signal
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from boss_kit import schema
from boss_kit.context import Actor, Context
from boss_kit.errors import InvalidArgument, Transient
from boss_kit.tasks import Task, TaskRunner, TooEarlyError, is_transient, listen
from boss_kit.unit_of_work import TASK_CHANNEL, UnitOfWork, no_facts

ENTERPRISE = UUID("01890000-0000-7000-8000-000000000001")
CONTEXT = Context(ENTERPRISE, Actor(user="olga"), correlation="story", traceparent="00-aa-bb-01")


def enqueue(engine: sa.Engine, *keys: str) -> None:
    with UnitOfWork(engine, "test", no_facts).begin(CONTEXT) as tx:
        for key in keys:
            tx.enqueue("look", key=key, args={"n": 1}, business_date=date(2026, 3, 14))


def states(engine: sa.Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        return {row.key: row for row in connection.execute(sa.select(schema.task))}


def test_a_process_gets_the_task_as_it_was_asked_for(kit_engine: sa.Engine) -> None:
    got: list[Task] = []
    enqueue(kit_engine, "one")
    assert TaskRunner(kit_engine, {"look": got.append}).run_one()
    (task,) = got
    assert (task.name, task.key, task.args, task.business_date) == ("look", "one", {"n": 1}, date(2026, 3, 14))
    assert (task.enterprise_id, task.attempts) == (ENTERPRISE, 1)
    assert (task.context.actor, task.context.correlation, task.context.traceparent) == (
        Actor(user="olga"),
        "story",
        "00-aa-bb-01",
    )
    assert task.context.business_date == date(2026, 3, 14)
    assert states(kit_engine)["one"].state == "done"


def test_two_runners_do_every_task_once(kit_engine: sa.Engine) -> None:
    done: list[tuple[str, int]] = []
    both_hold_one = threading.Barrier(2, timeout=30)

    def process(task: Task) -> None:
        if task.key in {"0", "1"}:
            both_hold_one.wait()
        done.append((task.key, threading.get_ident()))

    keys = [str(number) for number in range(30)]
    enqueue(kit_engine, *keys)

    def run() -> None:
        runner = TaskRunner(kit_engine, {"look": process})
        while runner.run_one():
            pass

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(key for key, _ in done) == sorted(keys)
    assert len({thread for _, thread in done}) == 2
    assert not TaskRunner(kit_engine, {"look": process}).run_one()


def test_all_4_a_task_whose_process_was_killed_is_taken_again(kit_engine: sa.Engine, kit_url: str) -> None:
    enqueue(kit_engine, "one")
    main = Path(__file__).with_name("task_main.py")
    killed = subprocess.run([sys.executable, str(main), kit_url], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    got: list[Task] = []
    runner = TaskRunner(kit_engine, {"look": got.append})
    # The server frees the lock when it notices that the connection is gone.
    stop = threading.Event()
    thread = threading.Thread(target=runner.run_until, args=(stop, lambda: stop.wait(0.02) and None))
    thread.start()
    for _ in range(1500):
        if got or stop.wait(0.02):
            break
    stop.set()
    thread.join(30)
    assert [task.key for task in got] == ["one"]


def test_a_transient_error_backs_off_and_the_task_stays(kit_engine: sa.Engine) -> None:
    away = [True]

    def process(task: Task) -> None:
        if away[0]:
            raise Transient("AWAY", "somebody doesn't answer")

    enqueue(kit_engine, "one")
    runner = TaskRunner(kit_engine, {"look": process})
    assert runner.run_one()
    task = states(kit_engine)["one"]
    assert (task.state, task.attempts, task.error) == ("pending", 1, "somebody doesn't answer")
    with kit_engine.begin() as connection:
        assert connection.scalar(sa.select(schema.task.c.next_attempt_time > schema.task.c.create_time))
        connection.execute(
            sa.update(schema.task).values(next_attempt_time=sa.func.now() + sa.text("interval '1 hour'"))
        )
    assert not runner.run_one(), "before its time it isn't taken"
    with kit_engine.begin() as connection:
        connection.execute(sa.update(schema.task).values(next_attempt_time=sa.func.now()))
    away[0] = False
    assert runner.run_one()
    assert (states(kit_engine)["one"].state, states(kit_engine)["one"].attempts) == ("done", 2)


def test_a_task_whose_time_has_not_come_waits_as_long_as_its_process_says_and_is_no_error(
    kit_engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def process(task: Task) -> None:
        if task.attempts == 1:
            raise TooEarlyError(after_s=90)

    enqueue(kit_engine, "one")
    runner = TaskRunner(kit_engine, {"look": process})
    assert runner.run_one()
    task = states(kit_engine)["one"]
    assert (task.state, task.attempts, task.error) == ("pending", 1, "")
    assert caplog.records == []
    assert not runner.run_one(), "before its time it isn't taken"
    with kit_engine.begin() as connection:
        waits = schema.task.c.next_attempt_time - sa.func.now()
        assert connection.scalar(sa.select(sa.extract("epoch", waits))) == pytest.approx(90, abs=30)
        connection.execute(sa.update(schema.task).values(next_attempt_time=sa.func.now()))
    assert runner.run_one()
    assert (states(kit_engine)["one"].state, states(kit_engine)["one"].attempts) == ("done", 2)


def test_a_task_that_failed_keeps_its_message_and_isnt_taken_again(kit_engine: sa.Engine) -> None:
    def process(task: Task) -> None:
        raise ValueError("no such plan")

    enqueue(kit_engine, "one")
    runner = TaskRunner(kit_engine, {"look": process})
    assert runner.run_one()
    assert not runner.run_one()
    assert (states(kit_engine)["one"].state, states(kit_engine)["one"].error) == ("failed", "ValueError: no such plan")


def test_a_task_nobody_knows_fails_by_name(kit_engine: sa.Engine) -> None:
    enqueue(kit_engine, "one")
    assert TaskRunner(kit_engine, {}).run_one()
    assert states(kit_engine)["one"].error == "no process is called 'look' here"


def test_a_new_task_wakes_who_waits(kit_engine: sa.Engine, kit_url: str) -> None:
    waker = listen(kit_url, TASK_CHANNEL, timeout_s=60)
    waker()
    woken = threading.Event()
    thread = threading.Thread(target=lambda: (waker(), woken.set()))
    thread.start()
    enqueue(kit_engine, "one")
    assert woken.wait(30)
    thread.join(30)
    waker.close()


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (Transient("AWAY", "x"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (psycopg.OperationalError("connection lost"), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.QueryCanceled(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.ProgramLimitExceeded(), False),
        (psycopg.errors.UndefinedTable(), False),
        (InvalidArgument.field("name", "x"), False),
        (ValueError(), False),
    ],
)
def test_errors_are_sorted_into_those_that_may_pass_and_those_that_wont(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient
    if isinstance(error, psycopg.Error):
        assert is_transient(sa.exc.DBAPIError("statement", None, error)) is transient
