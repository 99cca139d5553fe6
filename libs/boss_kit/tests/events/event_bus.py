"""The two buses behind one door, so that every contract test runs on both."""

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pika
import sqlalchemy as sa
from event_probe import effect, publish

from boss_kit.database import open_database
from boss_kit.events.local_bus import LocalBus
from boss_kit.events.rabbit import RabbitPublisher
from boss_kit.events.relay import Publisher, Relay
from boss_kit.events.topology import Topology, dead_letter_queue_name, queue_name
from boss_kit.ids import PARTITIONS
from boss_kit.schema import processed_events, published_events

WAIT_S_MAX = 180.0


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S_MAX) -> None:
    """Wait for an outside process. Fails the test after a while."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for: {what}"
        time.sleep(0.02)


@dataclass
class Bus:
    """A producer, a consumer and what is between them."""

    amqp_url: str
    producer_url: str
    consumer_url: str
    producer: str = field(default_factory=lambda: f"producer_{uuid.uuid4().hex[:8]}")
    consumer: str = field(default_factory=lambda: f"consumer_{uuid.uuid4().hex[:8]}")
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.from_engine = open_database(self.producer_url, pool_size=4)
        self.to_engine = open_database(self.consumer_url, pool_size=4)
        self.topology = Topology({self.consumer: frozenset([self.producer])})

    def publisher(self) -> Publisher:
        """Give the producer's door to the bus."""
        if self.amqp_url:
            return RabbitPublisher(self.amqp_url, self.topology, self.producer)
        return LocalBus(self.topology, {self.consumer: self.to_engine})

    def publish(self, *facts: dict[str, Any]) -> None:
        """Commit facts and bring them to the bus."""
        publish(self.from_engine, self.producer, facts)
        relay = Relay(self.from_engine, self.producer, self.publisher())
        while relay.run_once():
            pass
        relay.close()

    def start_worker(self, index: int = 0, of: int = 1, standby_after_s: float = 10.0) -> "subprocess.Popen[bytes]":
        """Start a worker process."""
        options = {
            "amqp_url": self.amqp_url,
            "database_url": self.consumer_url,
            "consumer": self.consumer,
            "producers": [self.producer],
            "index": index,
            "of": of,
            "standby_after_s": standby_after_s,
        }
        main = Path(__file__).with_name("worker_main.py")
        worker = subprocess.Popen([sys.executable, "-W", "ignore", str(main), json.dumps(options)])
        self.workers.append(worker)
        return worker

    def kill_relay_after_publishing(self) -> None:
        """Let a relay process publish one batch and die before it deletes it."""
        names = ("amqp_url", "producer_url", "consumer_url", "producer", "consumer")
        options = {name: getattr(self, name) for name in names}
        main = Path(__file__).with_name("relay_main.py")
        killed = subprocess.run(
            [sys.executable, "-W", "ignore", str(main), json.dumps(options)], check=False, timeout=60
        )
        assert killed.returncode == -signal.SIGKILL

    def effects(self) -> list[sa.Row[*tuple[Any, ...]]]:
        """Give what the consumer wrote down, in order."""
        with self.to_engine.connect() as connection:
            return list(connection.execute(sa.select(effect).order_by(effect.c.id)))

    def count(self, table: sa.Table) -> int:
        """Count a table's rows in the consumer's database."""
        with self.to_engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    def processed(self) -> int:
        """Tell how many different events the consumer has seen."""
        return _sum(self.to_engine, processed_events)

    def published(self) -> int:
        """Tell how many events have left the producer's outbox."""
        return _sum(self.from_engine, published_events)

    def wait_for(self, events: int) -> None:
        """Wait until the consumer has seen so many events."""
        wait_until(lambda: self.processed() >= events, f"{events} processed events, have {self.processed()}")

    def close(self) -> None:
        """End what the test started."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
            worker.wait(10)
        self.from_engine.dispose()
        self.to_engine.dispose()

    def delete_queues(self) -> None:
        """Leave a broker that isn't ours as it was."""
        connection = pika.BlockingConnection(pika.URLParameters(self.amqp_url))
        for name in [*(queue_name(self.consumer, p) for p in range(PARTITIONS)), dead_letter_queue_name(self.consumer)]:
            connection.channel().queue_delete(name)
        connection.close()


def _sum(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.select(sa.func.sum(table.c.events))) or 0)
