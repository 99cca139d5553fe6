"""Kills processes of a distributed installation with SIGKILL, at seeded random moments."""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from boss_kit.events.topology import NEW_QUEUE_UNSAFE_S
from boss_stack import supervision
from boss_stack.layout import SERVICES, Layout, read

WAIT_S_MIN, WAIT_S_MAX = 0.3, 2.0
SERVERS = {"rabbitmq": "beam.smp", "postgres": "postgres"}


def victims() -> list[str]:
    """List everything that may be killed: each process of each service, the broker, the database."""
    return [name for service in SERVICES for name in supervision.processes(service)] + list(SERVERS)


def kill(layout: Layout, name: str) -> bool:
    """Kill one supervised process the way a lost machine would; tell whether it was running."""
    process_id = supervision.control(layout, "pid", name, check=False).strip()
    if not process_id.isdigit() or int(process_id) == 0:
        return False
    process = psutil.Process(int(process_id))
    if name in SERVERS:
        # The supervised process only watches the server: the server itself is what gets lost.
        servers = [child for child in process.children(recursive=True) if child.name() == SERVERS[name]]
        return sum(map(_kill, servers)) > 0
    return _kill(process)


class Killer:
    """Kills `count` times while a run goes on; the same seed chooses the same victims in the same order."""

    def __init__(self, folder: Path, seed: int, count: int, choose_from: Callable[[], list[str]] = victims) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._count = count
        self._names = choose_from()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.killed: list[str] = []

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not read_if_ready(self._folder):
            if self._over.wait(WAIT_S_MIN):
                return
        # RabbitMQ itself may lose a queue it has only just made; that is an installation's first seconds, once.
        broker_from = time.monotonic() + NEW_QUEUE_UNSAFE_S
        while len(self.killed) < self._count and not self._over.wait(self._random.uniform(WAIT_S_MIN, WAIT_S_MAX)):
            name = self._random.choice(self._names)
            if name == "rabbitmq" and time.monotonic() < broker_from:
                continue
            with contextlib.suppress(FileNotFoundError, RuntimeError, psutil.NoSuchProcess):
                layout = read_if_ready(self._folder)
                if layout and kill(layout, name):
                    self.killed.append(name)


def read_if_ready(folder: Path) -> Layout | None:
    """Read the installation's layout, if everything is up."""
    with contextlib.suppress(FileNotFoundError):
        layout = read(folder)
        return layout if layout.ready.exists() else None
    return None


def _kill(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
        return True
    return False
