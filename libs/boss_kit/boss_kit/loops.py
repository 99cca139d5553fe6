"""Threads that go on until they are told to stop, whatever happens inside them."""

import logging
import threading
from collections.abc import Callable

from boss_kit.tasks import listen

log = logging.getLogger(__name__)

PAUSE_S = 1.0
JOIN_S = 30.0

Body = Callable[[threading.Event], None]
WakingBody = Callable[[threading.Event, Callable[[], None]], None]


class Loops:
    """The threads of one process door."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, body: Body) -> None:
        """Add a loop: `body` returns when its event is set."""
        thread = threading.Thread(target=self._run, args=(name, body), name=f"{self._name}-{name}", daemon=True)
        self._threads.append(thread)

    def add_waking(self, name: str, body: WakingBody, url: str, channel: str, *, quiet_s: float = 0.0) -> None:
        """Add a loop that sleeps until a channel of the database is notified, and then quiet for so long."""

        def run(stop: threading.Event) -> None:
            waker = listen(url, channel, quiet_s=quiet_s)
            try:
                body(stop, waker)
            finally:
                waker.close()

        self.add(name, run)

    def start(self) -> None:
        """Start them all."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell all to stop and wait for what they have in hand."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(JOIN_S)

    def _run(self, name: str, body: Body) -> None:
        while not self._stop.is_set():
            try:
                body(self._stop)
            except Exception:
                # A loop that ends silently is a process that looks well and does nothing.
                log.exception("a loop broke and begins again", extra={"loop": name})
                self._stop.wait(PAUSE_S)
