"""A worker process of the tests: `worker_main.py JSON`."""

import json
import signal
import sys
import threading
from typing import Any

import eventlet
from event_probe import make_consumer

from boss_kit.database import open_database
from boss_kit.events.local_bus import CHANNEL, LocalWorker
from boss_kit.events.topology import Topology
from boss_kit.tasks import listen


def main(options: dict[str, Any]) -> None:
    """Consume until SIGTERM."""
    if options["amqp_url"]:
        eventlet.monkey_patch()
    engine = open_database(options["database_url"], pool_size=3)
    consumer = make_consumer(engine, options["consumer"])
    if options["amqp_url"]:
        from boss_kit.events import nameko_worker

        nameko_worker.run_worker(
            options["consumer"],
            options["amqp_url"],
            consumer,
            options["index"],
            options["of"],
            topology=Topology({options["consumer"]: frozenset(options["producers"])}),
            standby_after_s=options["standby_after_s"],
        )
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    worker = LocalWorker(consumer, options["index"], options["of"], standby_after_s=options["standby_after_s"])
    worker.run_until(stop, listen(options["database_url"], CHANNEL))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
