"""When a phase is over: no service has work left, and every event published has been processed (DESIGN 5)."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from boss.platform.v1 import clock_service_pb2

from boss_cli.clients import Clients

# Asking often would take from the work what it waits for.
POLL_S, POLL_S_MAX, POLL_GROWTH = 0.008, 0.03, 1.5
WAIT_S_MAX = 600

Statuses = Mapping[str, clock_service_pb2.GetStatusResponse]
Topology = Mapping[str, Iterable[str]]


class Failed(Exception):
    """A task gave up or an event was parked: nothing will become idle by waiting."""


def read_topology(path: Path) -> dict[str, list[str]]:
    """Read who subscribes to whom: consumer -> producers."""
    consumers: dict[str, list[str]] = yaml.safe_load(path.read_text())["consumers"]
    return consumers


def read_statuses(clients: Clients, services: Iterable[str]) -> dict[str, clock_service_pb2.GetStatusResponse]:
    """Ask services for their status."""
    return {service: clients.status(service) for service in services}


def wait_until_idle(
    clients: Clients, topology: Topology, *, first: str | None = None, wait_s_max: float = WAIT_S_MAX
) -> None:
    """Wait until all services are idle, and were so all at once; ask the one that was given work `first`.

    One reading is enough, although it asks one service after the other. What a service does after it was asked follows
    from an event. If that was published before its producer was asked, the counts differ. If not, it was made after its
    producer was asked and found without work, which follows from an earlier event in the same way; and so on to none.
    Raises Failed with the service's name when a task failed or an event was parked, or when it takes too long.
    """
    if first is not None:
        wait_for_tasks(clients, first, wait_s_max)
    patience = _Patience(wait_s_max)
    while True:
        statuses: dict[str, clock_service_pb2.GetStatusResponse] = {}
        for service in topology:
            statuses |= read_statuses(clients, [service])
            _refuse_failures(statuses.values())
            if not _has_no_work(statuses[service]):
                # The others needn't be asked while this one is at work.
                break
        else:
            if not lagging(statuses, topology):
                return
        patience.wait(statuses, topology)


def wait_for_tasks(clients: Clients, service: str, wait_s_max: float = WAIT_S_MAX) -> None:
    """Wait until one service has no task left: enough between phases that only it takes part in."""
    patience = _Patience(wait_s_max)
    while True:
        # Whoever asks has just given work, which takes a moment.
        patience.pause()
        statuses = read_statuses(clients, [service])
        _refuse_failures(statuses.values())
        if not statuses[service].open_tasks:
            return
        patience.check(statuses, {})


def lagging(statuses: Statuses, topology: Topology) -> list[str]:
    """List the streams whose consumer hasn't processed all that was published."""
    behind = []
    for consumer, producers in topology.items():
        processed = {(count.producer, count.partition): count.events for count in statuses[consumer].processed}
        for producer in producers:
            for count in statuses[producer].published:
                done = processed.get((producer, count.partition), 0)
                if done != count.events:
                    behind.append(
                        f"{consumer} has processed {done} of {count.events} events of {producer}/{count.partition}"
                    )
    return behind


def _has_no_work(status: clock_service_pb2.GetStatusResponse) -> bool:
    return status.outbox_events == 0 and status.open_tasks == 0


def _refuse_failures(statuses: Iterable[clock_service_pb2.GetStatusResponse]) -> None:
    for status in statuses:
        if status.failed_tasks or status.parked_events:
            raise Failed(
                f"{status.service}: {status.failed_tasks} tasks failed and {status.parked_events} events were parked; "
                f"see `boss tasks list {status.service}` and `boss parked list {status.service}`"
            )


class _Patience:
    """Waits a little longer each time, and not for ever."""

    def __init__(self, wait_s_max: float) -> None:
        self._deadline = time.monotonic() + wait_s_max
        self._pause_s = POLL_S

    def wait(self, statuses: Statuses, topology: Topology) -> None:
        """Wait before the next question. Raises Failed, saying who isn't idle, when it has taken too long."""
        self.check(statuses, topology)
        self.pause()

    def check(self, statuses: Statuses, topology: Topology) -> None:
        """Raise Failed, saying who isn't idle, when it has taken too long."""
        if time.monotonic() > self._deadline:
            work = [f"{name}: {s.outbox_events} in the outbox, {s.open_tasks} tasks" for name, s in statuses.items()]
            behind = lagging(statuses, topology) if statuses.keys() >= set(topology) else []
            raise Failed("; ".join(["the services didn't become idle", *work, *behind]))

    def pause(self) -> None:
        """Wait, a little longer than the time before."""
        time.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * POLL_GROWTH, POLL_S_MAX)
