"""When a phase is over: no service has work left, and every event published has been processed (DESIGN 5)."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml
from boss.platform.v1 import clock_service_pb2

from boss_cli.clients import Clients

WAIT_S_MAX = 600
# How long one call waits at the service, which costs less than calling again and again.
WAIT_MS = 2000

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
    deadline = time.monotonic() + wait_s_max
    order = sorted(topology, key=lambda service: service != first)
    published: dict[str, Sequence[clock_service_pb2.StreamCount]] = {}
    statuses: dict[str, clock_service_pb2.GetStatusResponse] = {}
    while True:
        settled = True
        for service in order:
            # Each waits for what the others are known to have published, so that asking again is rare.
            awaited = [count for producer in topology[service] for count in published.get(producer, ())]
            statuses[service] = clients.status(service, wait_ms=WAIT_MS, awaited=awaited)
            published[service] = statuses[service].published
            settled = settled and _has_no_work(statuses[service])
        _refuse_failures(statuses.values())
        if settled and not lagging(statuses, topology):
            return
        _refuse_delay(deadline, statuses, topology)


def wait_for_tasks(clients: Clients, service: str, wait_s_max: float = WAIT_S_MAX) -> None:
    """Wait until one service has no task left: enough between phases that only it takes part in."""
    deadline = time.monotonic() + wait_s_max
    while True:
        status = clients.status(service, wait_ms=WAIT_MS, tasks_only=True)
        _refuse_failures([status])
        if not status.open_tasks:
            return
        _refuse_delay(deadline, {service: status}, {})


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


def _refuse_delay(deadline: float, statuses: Statuses, topology: Topology) -> None:
    if time.monotonic() > deadline:
        work = [f"{name}: {s.outbox_events} in the outbox, {s.open_tasks} tasks" for name, s in statuses.items()]
        behind = lagging(statuses, topology) if statuses.keys() >= set(topology) else []
        raise Failed("; ".join(["the services didn't become idle", *work, *behind]))
