"""A relay process of the tests that is killed right after its first batch was published: `relay_main.py JSON`."""

import json
import os
import signal
import sys

from event_bus import Bus

from boss_kit.events.batch import Batch
from boss_kit.events.relay import Publisher, Relay


class KilledAfterPublishing:
    """A publisher whose process ends between publishing and deleting."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.idle, self.close = publisher.idle, publisher.close

    def publish(self, batch: Batch) -> None:
        """Publish, and die."""
        self._publisher.publish(batch)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    bus = Bus(**json.loads(sys.argv[1]))
    Relay(bus.from_engine, bus.producer, KilledAfterPublishing(bus.publisher())).run_once()
