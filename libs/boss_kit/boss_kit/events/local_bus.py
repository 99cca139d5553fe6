"""The local bus: a table in every subscriber's database, where no broker is used (DESIGN 2)."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import sqlalchemy as sa
import tenacity

from boss_kit.events.batch import Batch
from boss_kit.events.consumer import Consumer
from boss_kit.events.relay import PublishError
from boss_kit.events.topology import DELIVERY_LIMIT, SUSPECT_AFTER, Topology
from boss_kit.ids import PARTITIONS
from boss_kit.schema import delivery
from boss_kit.tasks import is_transient

log = logging.getLogger(__name__)

CHANNEL = "boss_delivery"
BACK_OFF_S_MAX = 30
STANDBY_AFTER_S = 10.0
BATCHES_MAX = 64
TOGETHER_BYTES_MAX = 400_000
"""Handlers are written for the page of one batch: small ones together make a page of that size, not of sixty-four."""
_LOCK_CLASS = 0x6C6F6361  # "loca": one worker per partition of a database.

# Built once: these run for every batch.
_COPY = sa.text(
    """
    WITH copied AS (
        INSERT INTO delivery (producer, partition, body)
        SELECT :producer, partition, body
        FROM unnest(CAST(:partitions AS smallint[]), CAST(:bodies AS bytea[])) AS batch (partition, body)
    )
    SELECT pg_notify(:channel, '')
    """
)
_WAITING = (
    sa.select(delivery)
    .where(delivery.c.partition == sa.any_(sa.bindparam("partitions", type_=sa.ARRAY(sa.SmallInteger))))
    .order_by(delivery.c.id)
    .limit(BATCHES_MAX)
)

# Lists travel as one array, so that the statements stay the same and the server prepares them once.
_COUNT = sa.text("UPDATE delivery SET attempts = attempts + 1 WHERE id = ANY (CAST(:ids AS bigint[]))")
_GONE = sa.text("DELETE FROM delivery WHERE id = ANY (CAST(:ids AS bigint[]))")

DeliveryRow = sa.Row[*tuple[Any, ...]]


class LocalBus:
    """Publishes by writing into the databases of the subscribers."""

    def __init__(self, topology: Topology, databases: Mapping[str, sa.Engine]) -> None:
        self._topology = topology
        self._databases = {
            name: engine.execution_options(isolation_level="AUTOCOMMIT") for name, engine in databases.items()
        }

    def publish(self, batch: Batch) -> None:
        """Copy a batch to every subscriber. Raises PublishError when one can't be reached: some may have it then."""
        self.publish_all([batch])

    def publish_all(self, batches: Sequence[Batch]) -> None:
        """Copy one producer's batches to every subscriber, one transaction each. Raises PublishError like `publish`."""
        if not batches:
            return
        copies = {
            "producer": batches[0].producer,
            "partitions": [batch.partition for batch in batches],
            "bodies": [batch.body for batch in batches],
            "channel": CHANNEL,
        }
        for consumer in self._topology.subscribers(batches[0].producer):
            try:
                # One statement is one transaction, without the calls that would begin and end it.
                with self._databases[consumer].connect() as connection:
                    connection.execute(_COPY, copies)
            except sa.exc.DBAPIError as error:
                if not is_transient(error):
                    raise
                raise PublishError(f"the database of {consumer} is away") from error

    def idle(self) -> None:
        """Do nothing: a pool needs no tending."""

    def close(self) -> None:
        """Do nothing: the pools belong to the process."""


class LocalWorker:
    """Consumes one database's deliveries.

    Of several workers each partition has one, as with a broker's single active consumer.
    """

    def __init__(
        self, consumer: Consumer, index: int = 0, of: int = 1, *, standby_after_s: float = STANDBY_AFTER_S
    ) -> None:
        self._consumer = consumer
        self._engine = consumer.units.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._own = frozenset(partition for partition in range(PARTITIONS) if partition % of == index)
        self._standby_after_s = standby_after_s
        self._held: set[int] = set()
        self._counted: set[int] = set()
        self._connection: sa.Connection | None = None

    def run_until(self, stop: threading.Event, wait: Callable[[], None]) -> None:
        """Consume until told to stop; `wait` returns when there may be more."""
        standby = threading.Event()
        timer = threading.Timer(self._standby_after_s, standby.set)
        timer.daemon = True
        timer.start()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(is_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=BACK_OFF_S_MAX),
            stop=tenacity.stop_when_event_set(stop),
            sleep=tenacity.sleep_using_event(stop),
            before_sleep=self._start_over,
            retry_error_callback=lambda state: False,
        )
        try:
            while not stop.is_set():
                if not retrying(self.run_once, standby=standby.is_set()) and not stop.is_set():
                    wait()
        finally:
            timer.cancel()
            self.close()

    def run_once(self, *, standby: bool = True) -> bool:
        """Process the oldest batches of the partitions we hold, in order; tell whether there may be more."""
        connection = self._connection = self._connection or self._engine.connect()
        self._take_partitions(connection, standby=standby)
        rows = connection.execute(_WAITING, {"partitions": sorted(self._held)}).all()
        if not rows:
            return False
        page = _small_page(rows)
        self._count(connection, page)
        if not self._deliver_together(page):
            for row in page:
                self._deliver(row)
        # What came meanwhile has notified us.
        return len(page) < len(rows) or len(rows) == BATCHES_MAX

    def close(self) -> None:
        """Give our partitions up."""
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            # Not back into the pool: the locks belong to the session.
            connection.invalidate()
            connection.close()

    def _take_partitions(self, connection: sa.Connection, *, standby: bool) -> None:
        wanted = [
            partition for partition in (range(PARTITIONS) if standby else self._own) if partition not in self._held
        ]
        if wanted:
            partition = sa.func.unnest(sa.cast(wanted, sa.ARRAY(sa.Integer))).column_valued("partition")
            taken = sa.select(partition).where(sa.func.pg_try_advisory_lock(_LOCK_CLASS, partition))
            self._held.update(connection.scalars(taken))

    def _count(self, connection: sa.Connection, rows: Sequence[DeliveryRow]) -> None:
        # Counted once per process, so that an attempt is a worker that died and not a database that was away.
        ids = {row.id for row in rows}
        if new := ids - self._counted:
            connection.execute(_COUNT, {"ids": sorted(new)})
        self._counted = ids

    def _deliver_together(self, rows: Sequence[DeliveryRow]) -> bool:
        """Process what has never been tried in one transaction: most batches are small and their commits are not."""
        if len(rows) == 1 or any(row.attempts for row in rows):
            return False
        gone = {"ids": [row.id for row in rows]}
        return self._consumer.process_together([row.body for row in rows], lambda effects: effects.execute(_GONE, gone))

    def _deliver(self, row: DeliveryRow) -> None:
        gone = {"ids": [row.id]}
        if row.attempts < DELIVERY_LIMIT:
            self._consumer.process(row.body, lambda effects: effects.execute(_GONE, gone))
        else:
            suspect = row.attempts >= DELIVERY_LIMIT + SUSPECT_AFTER
            self._consumer.process_each(row.body, lambda effects: effects.execute(_GONE, gone), suspect=suspect)

    def _start_over(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("deliveries wait", extra={"error": str(error)[:200], "attempt": state.attempt_number})
        self.close()


def _small_page(rows: Sequence[DeliveryRow]) -> Sequence[DeliveryRow]:
    """Give the first of the rows, as many as make one page."""
    sizes = accumulate(len(row.body) for row in rows)
    return rows[: max(1, sum(size <= TOGETHER_BYTES_MAX for size in sizes))]
