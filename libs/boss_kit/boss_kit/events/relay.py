"""The relay: from the outbox to the bus, oldest first, and deleted only when the bus has it (DESIGN 3)."""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import sqlalchemy as sa
import tenacity

from boss_kit.database import driver_connection
from boss_kit.events.batch import Batch, Piece, cut, make_batch, stored_piece
from boss_kit.tasks import is_transient

log = logging.getLogger(__name__)

ROWS_MAX = 4000
EVENTS_MAX = 4000
BYTES_MAX = 4_000_000
"""A page of the outbox ends with the row that reaches any of them; bytes are those in the table."""
BACK_OFF_S_MAX = 10
_LOCK = 0x72656C61  # "rela": one relay per database.


class PublishError(ConnectionError):
    """Say that a bus didn't take a batch; the same batch may pass later."""


class Publisher(Protocol):
    """A bus that takes batches."""

    def publish(self, batch: Batch) -> None:
        """Return when every subscriber's copy is safe. Raises PublishError otherwise."""
        ...

    def idle(self) -> None:
        """Do what the connection needs while there is nothing to publish. Raises PublishError when it is lost."""
        ...

    def close(self) -> None:
        """Give connections back; the next publish opens them again."""
        ...


@runtime_checkable
class TakesMany(Protocol):
    """A bus to which several batches cost hardly more than one."""

    def publish_all(self, batches: Sequence[Batch]) -> None:
        """Return when every subscriber's copies of all of them are safe. Raises PublishError otherwise."""
        ...


class _Row(NamedTuple):
    id: int
    partition: int
    piece: Piece


class _Waiting(NamedTuple):
    """The oldest rows, and whether there may be more behind them."""

    rows: Sequence[_Row]
    is_full: bool


@dataclass(frozen=True)
class _Page:
    """How many events of a page were published, and whether there may be more behind it."""

    events: int
    is_full: bool


@dataclass(frozen=True)
class _Pending:
    ids: Sequence[int]
    batch: Batch


class Relay:
    """Publishes one service's outbox; of several relays on one database one is the leader."""

    def __init__(self, engine: sa.Engine, service: str, publisher: Publisher) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._service = service
        self._publisher = publisher
        self._connection: sa.Connection | None = None

    def run_until(self, stop: threading.Event, wait: Callable[[], None]) -> None:
        """Publish until told to stop; `wait` returns when there may be more."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=BACK_OFF_S_MAX),
            stop=tenacity.stop_when_event_set(stop),
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=self._start_over,
            retry_error_callback=lambda state: _Page(0, is_full=False),
        )
        while not stop.is_set():
            # What was written meanwhile has notified us.
            if not retrying(self._publish_page).is_full and not stop.is_set():
                wait()
        self.close()

    def run_once(self) -> int:
        """Publish a page of what is there now, if we lead; tell how many events left the outbox."""
        return self._publish_page().events

    def _publish_page(self) -> "_Page":
        connection = self._lead()
        if connection is None:
            return _Page(0, is_full=False)
        rows, is_full = _oldest(connection)
        if not rows:
            self._publisher.idle()
        published: list[_Pending] = []
        try:
            if isinstance(self._publisher, TakesMany):
                waiting = list(_batches(self._service, rows))
                self._publisher.publish_all([pending.batch for pending in waiting])
                published = waiting
            else:
                for pending in _batches(self._service, rows):
                    self._publisher.publish(pending.batch)
                    published.append(pending)
        finally:
            # Also after a failure: what is confirmed needn't be published twice.
            _delete(connection, published)
        return _Page(sum(one.batch.events for one in published), is_full=is_full)

    def close(self) -> None:
        """Give up the lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Not back into the pool: the lock belongs to the session.
            connection.invalidate()
            connection.close()
        self._publisher.close()

    def _lead(self) -> sa.Connection | None:
        if self._connection is not None:
            return self._connection
        connection = self._engine.connect()
        try:
            if connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
                self._connection = connection
        finally:
            if self._connection is None:
                connection.close()
        return self._connection

    def _start_over(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("events wait in the outbox", extra={"error": str(error)[:200], "attempt": state.attempt_number})
        self.close()


_DELETE = sa.text(
    """
    WITH counted AS (
        INSERT INTO published_events AS total (partition, events)
        SELECT * FROM unnest(CAST(:partitions AS smallint[]), CAST(:events AS bigint[]))
        ON CONFLICT (partition) DO UPDATE SET events = total.events + excluded.events
    )
    DELETE FROM outbox WHERE id = ANY (CAST(:ids AS bigint[]))
    """
)
_OLDEST = f"""
    SELECT id, partition, events, body
    FROM (
        SELECT id, partition, events, body, octet_length(body) AS bytes,
               sum(octet_length(body)) OVER oldest AS bytes_until, sum(events) OVER oldest AS events_until
        FROM outbox WINDOW oldest AS (ORDER BY id ROWS UNBOUNDED PRECEDING) ORDER BY id LIMIT {ROWS_MAX}
    ) AS page
    WHERE bytes_until - bytes < {BYTES_MAX} AND events_until - events < {EVENTS_MAX} ORDER BY id
""".encode()


def _oldest(connection: sa.Connection) -> _Waiting:
    # Bodies travel as they are: as text they are twice as long.
    found = driver_connection(connection).execute(_OLDEST, binary=True).fetchall()
    is_full = (
        len(found) == ROWS_MAX
        or sum(len(row[3]) for row in found) >= BYTES_MAX
        or sum(row[2] for row in found) >= EVENTS_MAX
    )
    return _Waiting([_Row(row[0], row[1], stored_piece(row[2], row[3])) for row in found], is_full)


def _batches(service: str, rows: Sequence[_Row]) -> Iterator[_Pending]:
    by_partition: defaultdict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        by_partition[row.partition].append(row)
    for partition, waiting in by_partition.items():
        start = 0
        for rows_of_batch in cut((row.piece.events, len(row.piece.body)) for row in waiting):
            part = waiting[start : start + rows_of_batch]
            start += rows_of_batch
            yield _Pending([row.id for row in part], make_batch(service, partition, [row.piece for row in part]))


def _delete(connection: sa.Connection, published: Sequence[_Pending]) -> None:
    """Delete what is published and count it, in one statement."""
    if not published:
        return
    counts: Counter[int] = Counter()
    for pending in published:
        counts[pending.batch.partition] += pending.batch.events
    partitions = sorted(counts)
    connection.execute(
        _DELETE,
        {
            "ids": [row_id for pending in published for row_id in pending.ids],
            "partitions": partitions,
            "events": [counts[partition] for partition in partitions],
        },
    )
