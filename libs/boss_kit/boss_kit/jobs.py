"""Jobs: one table per service that says when which task is asked for."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from boss_kit import schema
from boss_kit.context import SYSTEM, Context
from boss_kit.days import parse_zone
from boss_kit.ids import new_id
from boss_kit.tasks import Task, is_transient
from boss_kit.unit_of_work import TASK_CHANNEL, Transaction, UnitOfWork

log = logging.getLogger(__name__)

NO_ENTERPRISE = UUID(int=0)
"""Technical jobs work for the whole database."""

TECHNICAL_KEY = "every"
TICK_S = 5.0
REQUESTS_KEPT = timedelta(days=30)
TASKS_KEPT = timedelta(days=30)
_LOCK_KEY = 0x626F73736A6F6273  # "bossjobs"


@dataclass(frozen=True)
class Daily:
    """Once per business date and enterprise, from a local time on; without a zone that of the installation."""

    at: time
    zone: str | None = None


@dataclass(frozen=True)
class Every:
    """Again and again, by the wall clock: technical work such as asking after lost answers."""

    seconds: int


@dataclass(frozen=True)
class ByRequest:
    """Only when `TaskService.RunJob` asks."""


When = Daily | Every | ByRequest


@dataclass(frozen=True)
class Job:
    """A line of the table."""

    name: str
    when: When
    task: str


def daily(at: str, zone: str | None = None) -> Daily:
    """Fire once a day, at a local time such as `02:00`."""
    return Daily(time.fromisoformat(at), zone)


def every_s(seconds: int) -> Every:
    """Fire again and again."""
    return Every(seconds)


def by_request() -> ByRequest:
    """Fire only when asked for."""
    return ByRequest()


CLEAN = Job("clean", every_s(3600), "clean")
"""What every service does about its own old rows."""


def enqueue_job(tx: Transaction, job: Job, enterprise_id: UUID, business_date: date) -> "sa.Row[Any]":
    """Ask for a job on a business date; asked again it is the same task. Give the task's row."""
    key = f"{job.name}/{business_date.isoformat()}"
    tx.enqueue(job.task, key=key, business_date=business_date, enterprise_id=enterprise_id)
    return tx.connection.execute(_TASK, {"enterprise_id": enterprise_id, "name": job.task, "key": key}).one()


_TASK = sa.select(schema.task).where(
    schema.task.c.enterprise_id == sa.bindparam("enterprise_id"),
    schema.task.c.name == sa.bindparam("name"),
    schema.task.c.key == sa.bindparam("key"),
)


class Schedule:
    """Asks for jobs when their time has come; of several on one database one leads."""

    def __init__(
        self,
        units: UnitOfWork,
        jobs: Iterable[Job],
        enterprises: Callable[[Transaction], Sequence[UUID]],
        zone: str = "UTC",
    ) -> None:
        self._units = units
        self._jobs = tuple(jobs)
        self._enterprises = enterprises
        self._zone = zone
        self._asked: set[tuple[str, UUID, date]] = set()

    def run_until(self, stop: threading.Event) -> None:
        """Look at the clock until told to stop."""
        while not stop.wait(TICK_S):
            try:
                self.tick()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("the schedule waits for the database", extra={"error": str(error)[:200]})

    def tick(self) -> None:
        """Ask for what is due now, if we lead."""
        with self._units.begin(Context(actor=SYSTEM)) as tx:
            if not tx.connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK_KEY))):
                return
            for job in self._jobs:
                if isinstance(job.when, Every):
                    _ask_again(tx.connection, job, job.when.seconds)
                # With a test clock the driver asks for every job of a day itself.
                elif isinstance(job.when, Daily) and not self._units.test_clock:
                    self._ask_daily(tx, job, job.when)

    def _ask_daily(self, tx: Transaction, job: Job, when: Daily) -> None:
        local: datetime = tx.now.astimezone(parse_zone(when.zone or self._zone))
        if local.time() < when.at:
            return
        for enterprise_id in self._enterprises(tx):
            asked = (job.name, enterprise_id, local.date())
            if asked not in self._asked:
                enqueue_job(tx, job, enterprise_id, local.date())
                self._asked.add(asked)
        self._asked = {asked for asked in self._asked if asked[2] >= local.date() - timedelta(days=2)}


def clean(engine: sa.Engine) -> Callable[[Task], None]:
    """Make the process that deletes rows nobody needs any more."""

    def process(_task: Task) -> None:
        old_requests = schema.request.c.create_time < sa.func.now() - REQUESTS_KEPT
        old_tasks = sa.and_(schema.task.c.state == "done", schema.task.c.create_time < sa.func.now() - TASKS_KEPT)
        with engine.begin() as connection:
            connection.execute(sa.delete(schema.request).where(old_requests))
            connection.execute(
                sa.delete(schema.task).where(old_tasks, schema.task.c.key.not_like(f"{TECHNICAL_KEY}/%"))
            )

    return process


def _ask_again(connection: sa.Connection, job: Job, seconds: int) -> None:
    """Take the job's one task up again when it has rested long enough; a running or waiting one is left alone."""
    task = schema.task
    begin = insert(task).values(
        id=new_id(), enterprise_id=NO_ENTERPRISE, name=job.task, key=f"{TECHNICAL_KEY}/{job.name}", args={}
    )
    rested = task.c.next_attempt_time < sa.func.now() - timedelta(seconds=seconds)
    again = begin.on_conflict_do_update(
        index_elements=["enterprise_id", "name", "key"],
        set_={"state": "pending", "attempts": 0, "error": "", "next_attempt_time": sa.func.now()},
        where=sa.and_(task.c.state != "pending", rested),
    ).returning(task.c.id)
    if connection.scalar(again) is not None:
        connection.execute(sa.select(sa.func.pg_notify(TASK_CHANNEL, "")))
