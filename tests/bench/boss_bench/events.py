"""Events through RabbitMQ into PostgreSQL: our consumer against a bare one that parses, copies and acks the same."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from boss_bench._event_load import BARE, ENTERPRISE, PRODUCER, WORKER, batches, create_bench_database, encode
from boss_bench.result import Result, p99_ms, peak_rss_mb
from boss_kit.context import Context
from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.events.batch import Batch
from boss_kit.events.rabbit import RabbitPublisher
from boss_kit.events.relay import Publisher, Relay
from boss_kit.events.topology import Topology
from boss_kit.ids import new_id
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.testing.rabbitmq import running_node
from boss_kit.unit_of_work import UnitOfWork

EVENTS = int(os.environ.get("BOSS_BENCH_EVENTS", "300000"))
ROUNDS = 5
TIMEOUT_S = 600


def run() -> Iterator[Result]:
    """Give what a worker consumes and what a relay publishes."""
    with ExitStack() as stack:
        database = PostgresNode(open_directory("boss_bench_"), throw_away=True)
        stack.callback(database.stop)
        database.start()
        create_bench_database(sqlalchemy_url(database.url()))
        broker = stack.enter_context(running_node())
        topology = Topology({name: frozenset([PRODUCER]) for name in (BARE, WORKER)})
        publisher = RabbitPublisher(broker.url, topology, PRODUCER)
        stack.callback(publisher.close)
        limit_per_s = _publish(publisher)
        yield _consume(broker.url, database.url())
        yield _relay(publisher, sqlalchemy_url(database.url()), limit_per_s)


def _publish(publisher: Publisher) -> float:
    # Some more than are measured: a worker that was told to end may still finish a batch.
    made = list(batches(EVENTS + EVENTS // 10))
    publisher.publish(made[0])
    start = time.perf_counter()
    for batch in made[1:]:
        publisher.publish(batch)
    return (len(made) - 1) * made[0].events / (time.perf_counter() - start)


def _consume(amqp_url: str, database_url: str) -> Result:
    """Let both consume the same events in turns, so that whatever else the machine does falls on both."""
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(_child("_event_bare.py", amqp_url, database_url))
        ours.append(_child("_event_worker.py", amqp_url, sqlalchemy_url(database_url)))
    per_s, limit_per_s = (median(report["per_s"] for report in reports) for reports in (ours, bare))
    return Result(
        name="events",
        n=EVENTS,
        per_s=per_s,
        limit_per_s=limit_per_s,
        ratio=per_s / limit_per_s,
        p99_ms=median(report["p99_ms"] for report in ours),
        peak_rss_mb=max(report["peak_rss_mb"] for report in ours),
    )


def _child(script: str, amqp_url: str, database_url: str) -> dict[str, float]:
    path = str(Path(__file__).with_name(script))
    command = [sys.executable, "-W", "ignore", path, amqp_url, database_url, str(EVENTS // ROUNDS)]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=TIMEOUT_S)
    report: dict[str, float] = json.loads(run.stdout)
    return report


class _Timed:
    """A publisher that takes the time of each batch."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.idle, self.close = publisher.idle, publisher.close
        self.durations_s: list[float] = []

    def publish(self, batch: Batch) -> None:
        start = time.perf_counter()
        self._publisher.publish(batch)
        self.durations_s.append(time.perf_counter() - start)


def _relay(publisher: Publisher, database_url: str, limit_per_s: float) -> Result:
    """Publish an outbox; the limit is publishing the same number without one."""
    engine = open_database(database_url, pool_size=2)
    units = UnitOfWork(engine, PRODUCER, encode)
    for _ in range(EVENTS // 5000):
        with units.begin(Context(ENTERPRISE, correlation="bench")) as tx:
            tx.publish(*(new_id() for _ in range(5000)))
    timed = _Timed(publisher)
    relay = Relay(engine, PRODUCER, timed)
    start = time.perf_counter()
    events = 0
    while published := relay.run_once():
        events += published
    per_s = events / (time.perf_counter() - start)
    relay.close()
    engine.dispose()
    return Result("relay", events, per_s, limit_per_s, per_s / limit_per_s, p99_ms(timed.durations_s), peak_rss_mb())
