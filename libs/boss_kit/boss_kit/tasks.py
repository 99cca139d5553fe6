"""Durable work: a row per task, claimed with a session advisory lock, repeated until it is done (DESIGN 2)."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from boss_kit import rests, schema
from boss_kit.context import Actor, Context
from boss_kit.errors import Aborted, BossError, Transient
from boss_kit.unit_of_work import TASK_CHANNEL

log = logging.getLogger(__name__)

BACK_OFF_S_MAX = 30
QUIET_AT_MOST = 4
"""How many times the quiet is waited for where it doesn't become quiet."""
CANDIDATES = 16
# SQLSTATE classes: connection, rollback (deadlock, serialization), resources, lock, operator intervention, system.
_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
_LOCK_CLASS = 0x626F7373  # "boss": keeps task locks apart from other advisory locks of the database.


@dataclass(frozen=True)
class Task:
    """One piece of work as its process gets it."""

    id: UUID
    enterprise_id: UUID
    name: str
    key: str
    args: Mapping[str, Any]
    business_date: date | None
    attempts: int
    context: Context


Process = Callable[[Task], None]


class TooEarlyError(Exception):
    """The work's time hasn't come, which is no failure: its process is called again after so many seconds."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"again in {after_s} s")
        self.after_s = after_s


class TaskRunner:
    """Claims tasks of one database and runs them, one at a time."""

    def __init__(self, engine: sa.Engine, processes: Mapping[str, Process]) -> None:
        self._engine = engine
        self._processes = processes

    def run_one(self) -> bool:
        """Run one task that is due; tell whether there was one."""
        with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            row = _claim(connection)
            if row is None:
                return False
            try:
                self._run(connection, row)
            finally:
                connection.execute(_UNLOCK, {"lock_class": _LOCK_CLASS, "lock_key": _lock_key(row.id)})
            return True

    def run_until(self, stop: threading.Event, wait: Callable[[], None]) -> None:
        """Run tasks until told to stop; `wait` returns when there may be more."""
        while not stop.is_set():
            try:
                busy = self.run_one()
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                log.warning("the database is away, the tasks wait", extra={"error": str(error)[:200]})
                busy = False
            if not busy and not stop.is_set():
                wait()

    def _run(self, connection: sa.Connection, row: "sa.Row[Any]") -> None:
        task = _task(row)
        try:
            process = self._processes[task.name]
        except KeyError:
            _give_up(connection, task, f"no process is called {task.name!r} here")
            return
        try:
            process(task)
        except TooEarlyError as early:
            _rest(connection, task, early.after_s)
        except Exception as error:
            if is_transient(error):
                _postpone(connection, task, error)
                return
            log.exception("a task failed", extra={"task": task.name, "key": task.key})
            _give_up(connection, task, f"{type(error).__name__}: {error}")
        else:
            connection.execute(_DONE, {"id": task.id, "attempts": task.attempts})


def is_transient(error: BaseException) -> bool:
    """Tell whether the same work may pass later: a lost connection, a deadlock, a dependency that is away."""
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_transient(error.orig))
    # COPY speaks to the driver, whose errors come as they are.
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        if error.sqlstate is not None:
            return error.sqlstate[:2] in _TRANSIENT_CLASSES
        # libpq's own refusal looks like a lost connection and would come again for ever.
        return "number of parameters" not in str(error)
    if isinstance(error, sa.exc.TimeoutError | ConnectionError | TimeoutError):
        return True
    return isinstance(error, Transient | Aborted) or (isinstance(error, BossError) and error.code == "UNAVAILABLE")


def listen(url: str, channel: str = TASK_CHANNEL, timeout_s: float = 1.0, *, quiet_s: float = 0.0) -> "Waker":
    """Make a waker for a channel; `url` is a libpq address."""
    return Waker(url, channel, timeout_s, quiet_s)


class Waker:
    """Waits on LISTEN/NOTIFY with its own connection, and simply waits where that is lost.

    With `quiet_s` it lets what comes in quick succession come first, so that all of it is one round's work.
    """

    def __init__(self, url: str, channel: str, timeout_s: float, quiet_s: float = 0.0) -> None:
        self._url = rests.plain_url(url)
        self._channel = channel
        self._timeout_s = timeout_s
        self._quiet_s = quiet_s
        self._connection: psycopg.Connection[Any] | None = None
        self._stopped = threading.Event()

    def __call__(self) -> None:
        """Return when the channel was notified, or after the timeout."""
        rests.tell(self._url)
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
                self._connection.execute(f'LISTEN "{self._channel}"')
                return  # What was written before the LISTEN is looked for at once.
            if _is_notified(self._connection, self._timeout_s) and self._quiet_s:
                deadline = time.monotonic() + QUIET_AT_MOST * self._quiet_s
                while time.monotonic() < deadline and _is_notified(self._connection, self._quiet_s):
                    pass
        except psycopg.Error:
            self.close()
            self._stopped.wait(self._timeout_s)

    def close(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_notified(connection: "psycopg.Connection[Any]", timeout_s: float) -> bool:
    return bool(list(connection.notifies(timeout=timeout_s, stop_after=1)))


def _lock_key(task_id: UUID) -> int:
    return int.from_bytes(task_id.bytes[-4:], "big", signed=True)


def _claim(connection: sa.Connection) -> "sa.Row[Any] | None":
    while (candidate := connection.scalar(_LOCK_NEXT, _LOCK_PARAMETERS)) is not None:
        # The row is read again under the lock: its former owner may just have finished it.
        row = connection.execute(_STILL_DUE, {"candidate": candidate}).one_or_none()
        if row is not None:
            return row
        connection.execute(_UNLOCK, {"lock_class": _LOCK_CLASS, "lock_key": _lock_key(candidate)})
    return None


_LOCK_PARAMETERS = {"lock_class": _LOCK_CLASS, "candidates": CANDIDATES}
# The inner LIMIT and order are done before the outer one asks for locks, one after the other until it has one.
_LOCK_NEXT = sa.text(
    """
    WITH due AS MATERIALIZED (
        SELECT id FROM task WHERE state = 'pending' AND next_attempt_time <= now() ORDER BY id LIMIT :candidates
    )
    SELECT id FROM due
    WHERE pg_try_advisory_lock(:lock_class, CAST(CAST('x' || right(CAST(id AS text), 8) AS bit(32)) AS integer))
    LIMIT 1
    """
)
_STILL_DUE = sa.select(schema.task).where(
    schema.task.c.id == sa.bindparam("candidate"),
    schema.task.c.state == "pending",
    schema.task.c.next_attempt_time <= sa.func.now(),
)
_DONE = sa.text("UPDATE task SET state = 'done', error = '', attempts = :attempts WHERE id = :id")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(:lock_class, :lock_key)")


def _task(row: "sa.Row[Any]") -> Task:
    context = Context(
        enterprise_id=row.enterprise_id,
        actor=Actor.from_json(row.actor),
        correlation=row.correlation or str(row.id),
        causation=str(row.id),
        traceparent=row.traceparent,
        business_date=row.business_date,
    )
    return Task(row.id, row.enterprise_id, row.name, row.key, row.args, row.business_date, row.attempts + 1, context)


def _set(connection: sa.Connection, task: Task, **values: object) -> None:
    connection.execute(sa.update(schema.task).where(schema.task.c.id == task.id).values(**values))


def _give_up(connection: sa.Connection, task: Task, error: str) -> None:
    _set(connection, task, state="failed", error=error[:2000], attempts=task.attempts)


def _postpone(connection: sa.Connection, task: Task, error: Exception) -> None:
    delay_s = min(BACK_OFF_S_MAX, 0.2 * 2 ** min(task.attempts, 10))
    log.warning("a task will be tried again", extra={"task": task.name, "key": task.key, "error": str(error)[:200]})
    _rest(connection, task, delay_s, error=str(error)[:2000])


def _rest(connection: sa.Connection, task: Task, seconds: float, error: str = "") -> None:
    again = sa.func.now() + timedelta(seconds=seconds)
    _set(connection, task, error=error, attempts=task.attempts, next_attempt_time=again)
