"""The schedule."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from boss_kit import jobs, schema
from boss_kit.context import Context
from boss_kit.jobs import CLEAN, NO_ENTERPRISE, Job, Schedule, clean, daily, enqueue_job, every_s
from boss_kit.tasks import TaskRunner
from boss_kit.unit_of_work import UnitOfWork, no_facts

CLUBS = (uuid4(), uuid4())
BILLING = (Job("bill", daily("02:00"), "bill-run"),)


class ClockUnits(UnitOfWork):
    """Transactions at a time of our choice."""

    def at(self, instant: datetime) -> Any:
        self.instant = instant
        return self

    def join(self, connection: Any, context: Any) -> Any:
        tx = super().join(connection, context)
        tx._clock.now = self.instant
        return tx


@pytest.fixture
def units(kit_engine: sa.Engine) -> Any:
    return ClockUnits(kit_engine, "test", no_facts)


def read_tasks(units: UnitOfWork) -> Any:
    columns = (schema.task.c.enterprise_id, schema.task.c.key, schema.task.c.business_date, schema.task.c.state)
    with units.engine.connect() as connection:
        return set(map(tuple, connection.execute(sa.select(*columns))))


def test_a_daily_job_is_asked_for_once_per_enterprise_and_local_day(units: UnitOfWork) -> None:
    schedule = Schedule(units, BILLING, lambda _tx: CLUBS, zone="America/Denver")
    units.at(datetime(2026, 3, 2, 8, 59, tzinfo=UTC))
    schedule.tick()
    assert read_tasks(units) == set()
    units.at(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    restarted = Schedule(units, BILLING, lambda _tx: CLUBS, zone="America/Denver")
    for each in (schedule, schedule, restarted):
        each.tick()
    assert read_tasks(units) == {(club, "bill/2026-03-02", date(2026, 3, 2), "pending") for club in CLUBS}


def test_with_a_test_clock_nothing_fires_by_itself_but_technical_work(kit_engine: sa.Engine) -> None:
    units = UnitOfWork(kit_engine, "test", no_facts, test_clock=True)
    Schedule(units, [Job("bill", daily("00:00"), "bill-run"), Job("ask", every_s(60), "ask")], lambda _tx: CLUBS).tick()
    assert read_tasks(units) == {(NO_ENTERPRISE, "every/ask", None, "pending")}


def test_technical_work_is_one_task_taken_up_again_after_its_pause(units: UnitOfWork) -> None:
    units.at(datetime.now(UTC))
    done = []
    schedule = Schedule(units, [Job("ask", every_s(60), "ask")], lambda _tx: ())
    runner = TaskRunner(units.engine, {"ask": done.append})
    for _ in range(3):
        schedule.tick()
        runner.run_one()
    assert len(done) == 1
    with units.engine.begin() as connection:
        connection.execute(sa.update(schema.task).values(next_attempt_time=sa.func.now() - timedelta(seconds=61)))
    schedule.tick()
    runner.run_one()
    assert len(done) == 2
    assert len(read_tasks(units)) == 1


def test_a_job_asked_for_twice_is_one_task(units: UnitOfWork) -> None:
    units.at(datetime.now(UTC))
    job = Job("bill", daily("02:00"), "bill-run")
    with units.begin(Context()) as tx:
        asked, again = (enqueue_job(tx, job, CLUBS[0], date(2026, 1, 1)) for _ in range(2))
        assert asked.id == again.id


def test_old_requests_and_done_tasks_are_cleaned_away(units: UnitOfWork) -> None:
    old = datetime.now(UTC) - jobs.REQUESTS_KEPT - timedelta(hours=1)
    units.at(datetime.now(UTC))
    with units.engine.begin() as connection:
        for created in (old, datetime.now(UTC)):
            row = {
                "enterprise_id": uuid4(),
                "method": "m",
                "request_id": uuid4(),
                "request_hash": b"",
                "create_time": created,
            }
            connection.execute(sa.insert(schema.request).values(row))
        for state, key in (("done", "a"), ("failed", "b"), ("done", "every/c")):
            row = {"id": uuid4(), "enterprise_id": uuid4(), "name": "t", "key": key, "args": {}, "state": state}
            connection.execute(sa.insert(schema.task).values({**row, "create_time": old}))
    Schedule(units, [CLEAN], lambda _tx: ()).tick()
    TaskRunner(units.engine, {CLEAN.task: clean(units.engine)}).run_one()
    with units.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.request)) == 1
    assert {key for _, key, _, _ in read_tasks(units)} == {"b", "every/c", "every/clean"}
