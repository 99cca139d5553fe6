"""What both consumers of the event bench share: the events, the table and the way they report."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import sqlalchemy as sa

from boss_bench.result import p99_ms, peak_rss_mb
from boss_kit.context import Context
from boss_kit.database import open_database
from boss_kit.events.batch import EVENTS_MAX, Batch, make_batch, make_piece
from boss_kit.events.envelope import OutgoingEvent, seal
from boss_kit.ids import PARTITIONS, new_id
from boss_kit.schema import create_kit_tables

PRODUCER = "bench_producer"
WORKER = "bench_worker"
BARE = "bench_bare"
ENTERPRISE = UUID("01890000-0000-7000-8000-00000000be7c")
EVENT_TYPE = "bench.thing.v1.happened"
BODY = bytes(range(256))
DAY = date(2026, 3, 14)

effect = sa.Table(
    "effect",
    sa.MetaData(),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


def encode(fact: object) -> OutgoingEvent:
    """Put a key into an event of ordinary size."""
    assert isinstance(fact, UUID)
    return OutgoingEvent(EVENT_TYPE, fact, f"things/{fact}", ENTERPRISE, DAY, BODY)


def batches(events: int) -> Iterator[Batch]:
    """Make full batches, one partition after the other."""
    context = Context(ENTERPRISE, correlation=str(new_id()))
    now = datetime.now(UTC)
    for number in range(events // EVENTS_MAX):
        partition = number % PARTITIONS
        bodies = [seal(PRODUCER, encode(_key(partition)), context, now) for _ in range(EVENTS_MAX)]
        yield make_batch(PRODUCER, partition, [make_piece(bodies)])


def create_bench_database(url: str) -> None:
    """Make the kit's tables and the one the effects go to."""
    engine = open_database(url, pool_size=1)
    with engine.begin() as connection:
        create_kit_tables(connection)
        effect.metadata.create_all(connection)
    engine.dispose()


@dataclass
class Meter:
    """Takes the time of each batch and reports when all are done."""

    events: int
    done: int = 0
    began: float = 0.0
    durations_s: list[float] = field(default_factory=list)

    def begin(self) -> float:
        """Start a batch."""
        now = time.perf_counter()
        self.began = self.began or now
        return now

    def end(self, start: float, events: int) -> bool:
        """End a batch; tell whether it was the last, and report then."""
        now = time.perf_counter()
        self.durations_s.append(now - start)
        self.done += events
        # A worker that was told to end may still finish a batch.
        if self.done != self.events:
            return False
        per_s = self.done / (now - self.began)
        report = {"per_s": per_s, "p99_ms": p99_ms(self.durations_s), "peak_rss_mb": peak_rss_mb()}
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()
        return True


def _key(partition: int) -> UUID:
    made = new_id().int
    return UUID(int=made & ~(PARTITIONS - 1) | partition)
