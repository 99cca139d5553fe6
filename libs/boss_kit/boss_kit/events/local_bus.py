"""The local bus: a table in every subscriber's database, where no broker is used (DESIGN 2)."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import psycopg
import sqlalchemy as sa
import tenacity

from boss_kit.database import driver_connection
from boss_kit.events.batch import Batch
from boss_kit.events.consumer import Consumer
from boss_kit.events.inbox import Finish
from boss_kit.events.relay import PublishError
from boss_kit.events.storage import pack, unpack
from boss_kit.events.topology import DELIVERY_LIMIT, SUSPECT_AFTER, Topology
from boss_kit.ids import PARTITIONS
from boss_kit.tasks import is_transient

log = logging.getLogger(__name__)

CHANNEL = "boss_delivery"
BACK_OFF_S_MAX = 30
STANDBY_AFTER_S = 10.0
BATCHES_MAX = 64
TOGETHER_BYTES_MAX = 160_000
"""As they are stored: about five full batches. Their statements and their commit cost little more than those of one;
more would gain little and hold locks long."""
_LOCK_CLASS = 0x6C6F6361  # "loca": one worker per partition of a database.

# Bodies travel as they are, both ways: as text they are twice as long, and reading that costs most of the way.
_COPY = b"""
    WITH copied AS (
        INSERT INTO delivery (producer, partition, body)
        SELECT %(producer)s::text, partition, body
        FROM unnest(%(partitions)s::smallint[], %(bodies)b::bytea[]) AS batch (partition, body)
    )
    SELECT pg_notify(%(channel)s, '')
"""
# The oldest batches, as many as make one page, and an attempt counted for each that this process hasn't counted yet.
# Lists travel as one array, so that the statement stays the same and the server prepares it once.
_TAKE = b"""
    WITH waiting AS (
        SELECT id, octet_length(body) AS bytes
        FROM delivery WHERE partition = ANY (%(partitions)s::smallint[]) ORDER BY id LIMIT %(batches_max)s
    ), measured AS (
        SELECT id, row_number() OVER oldest AS place, sum(bytes) OVER oldest AS bytes, count(*) OVER () AS waiting
        FROM waiting WINDOW oldest AS (ORDER BY id)
    )
    UPDATE delivery SET attempts = attempts + (delivery.id <> ALL (%(counted)s::bigint[]))::integer
    FROM measured WHERE delivery.id = measured.id AND (place = 1 OR measured.bytes <= %(bytes_max)s)
    RETURNING delivery.id, body, waiting, attempts - (delivery.id <> ALL (%(counted)s::bigint[]))::integer
"""
_GONE = b"DELETE FROM delivery WHERE id = ANY (%(ids)s::bigint[])"


class Delivery(NamedTuple):
    """A batch that waits, how many do, and how often it was tried before."""

    id: int
    body: bytes
    waiting: int
    attempts: int


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
            "bodies": [pack(batch.body) for batch in batches],
            "channel": CHANNEL,
        }
        for consumer in self._topology.subscribers(batches[0].producer):
            try:
                # One statement is one transaction, without the calls that would begin and end it.
                with self._databases[consumer].connect() as connection:
                    driver_connection(connection).execute(_COPY, copies)
            except (sa.exc.DBAPIError, psycopg.Error) as error:
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
        page = self._take(connection)
        if not page:
            return False
        if not self._deliver_together(page):
            for row in page:
                self._deliver(row)
        # What came meanwhile has notified us.
        return len(page) < page[0].waiting or len(page) == BATCHES_MAX

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

    def _take(self, connection: sa.Connection) -> Sequence[Delivery]:
        # Counted once per process, so that an attempt is a worker that died and not a database that was away.
        asked = {
            "partitions": sorted(self._held),
            "counted": sorted(self._counted),
            "batches_max": BATCHES_MAX,
            "bytes_max": TOGETHER_BYTES_MAX,
        }
        taken = driver_connection(connection).execute(_TAKE, asked, binary=True)
        page = sorted(Delivery(row[0], unpack(row[1]), *row[2:]) for row in taken)
        self._counted = {row.id for row in page}
        return page

    def _deliver_together(self, rows: Sequence[Delivery]) -> bool:
        """Process what has never been tried in one transaction: most batches are small and their commits are not."""
        if len(rows) == 1 or any(row.attempts for row in rows):
            return False
        return self._consumer.process_together([row.body for row in rows], _gone(rows))

    def _deliver(self, row: Delivery) -> None:
        if row.attempts < DELIVERY_LIMIT:
            self._consumer.process(row.body, _gone([row]))
        else:
            suspect = row.attempts >= DELIVERY_LIMIT + SUSPECT_AFTER
            self._consumer.process_each(row.body, _gone([row]), suspect=suspect)

    def _start_over(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("deliveries wait", extra={"error": str(error)[:200], "attempt": state.attempt_number})
        self.close()


def _gone(rows: Sequence[Delivery]) -> Finish:
    """Give what deletes deliveries as part of the transaction of their effects."""
    gone = {"ids": [row.id for row in rows]}
    return lambda driver: driver.execute(_GONE, gone)
