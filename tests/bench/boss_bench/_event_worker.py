"""Our consumer, as a service runs it, with one set-based handler. `_event_worker.py AMQP_URL DATABASE_URL EVENTS`."""

import os
import signal
import sys
from collections.abc import Sequence

import eventlet

from boss_bench._event_load import EVENT_TYPE, PRODUCER, WORKER, Meter, effect, encode
from boss_kit.database import copy_rows, open_database
from boss_kit.events.batch import EVENTS_MAX
from boss_kit.events.consumer import Consumer
from boss_kit.events.inbox import Finish
from boss_kit.events.nameko_worker import run_worker
from boss_kit.events.received import Received, Subscription
from boss_kit.events.topology import Topology
from boss_kit.unit_of_work import Transaction, UnitOfWork


class TimedConsumer(Consumer):
    """Takes the time of each batch and ends the worker after the last."""

    meter: Meter

    def process(self, body: bytes, finish: Finish = lambda _driver: None) -> None:
        """Process a batch."""
        start = self.meter.begin()
        super().process(body, finish)
        if self.meter.end(start, EVENTS_MAX):
            os.kill(os.getpid(), signal.SIGTERM)


def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
    """Write what the bare consumer writes."""
    copy_rows(tx.connection, effect, ["id", "body"], [(received.event.id, received.fact) for received in page])


def main(amqp_url: str, database_url: str, events: str) -> None:
    """Consume so many events."""
    eventlet.monkey_patch()
    engine = open_database(database_url, pool_size=2)
    consumer = TimedConsumer(
        UnitOfWork(engine, WORKER, encode), [Subscription(EVENT_TYPE, decode=bytes, handle=handle)], states=()
    )
    consumer.meter = Meter(int(events))
    run_worker(WORKER, amqp_url, consumer, 0, 1, topology=Topology({WORKER: frozenset([PRODUCER])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
