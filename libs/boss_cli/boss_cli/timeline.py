"""One account's story, put together from what each of the five services knows of it (SPEC ALL-2)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from boss.platform.v1 import timeline_service_pb2

from boss_cli.clients import SERVICES, Clients
from boss_cli.failures import sentence
from boss_kit.errors import BossError


@dataclass(frozen=True)
class Entry:
    """One line of the story."""

    business_date: date
    create_time: datetime
    service: str
    kind: str
    text: str
    subject: str
    correlation: str


@dataclass(frozen=True)
class Story:
    """The lines in order, and the services that couldn't tell theirs, with the reason."""

    entries: list[Entry]
    missing: dict[str, str] = field(default_factory=dict)


def collect(clients: Clients, account_name: str) -> Story:
    """Ask all five services for an account's story, and order it by business date and time.

    A service that doesn't answer is named in `missing`; the others' lines are still told.
    """
    entries: list[Entry] = []
    missing: dict[str, str] = {}
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        told = {service: pool.submit(_entries, clients, service, account_name) for service in SERVICES}
    for service, future in told.items():
        try:
            entries.extend(future.result())
        except BossError as error:
            missing[service] = sentence(error)
    # The chain's own order breaks ties: on one day at one time a bill comes before the message about it.
    entries.sort(key=lambda entry: (entry.business_date, entry.create_time, SERVICES.index(entry.service)))
    return Story(entries, missing)


def _entries(clients: Clients, service: str, account_name: str) -> list[Entry]:
    request = timeline_service_pb2.ListTimelineEntriesRequest(parent=account_name)
    lines = all_pages(clients.platform(service).timeline.ListTimelineEntries, request, "timeline_entries")
    return [_entry(service, line) for line in lines]


def _entry(service: str, line: timeline_service_pb2.TimelineEntry) -> Entry:
    day = line.business_date
    return Entry(
        business_date=date(day.year, day.month, day.day),
        create_time=line.create_time.ToDatetime(UTC),
        service=service,
        kind=line.kind,
        text=line.text,
        subject=line.subject,
        correlation=line.correlation,
    )


def all_pages(method: Callable[[Any], Any], request: Any, field_name: str) -> Iterator[Any]:
    """Read a list page by page to its end."""
    while True:
        response = method(request)
        yield from getattr(response, field_name)
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


def first_of(found: Iterator[Any], limit: int) -> tuple[list[Any], bool]:
    """Take the first of a list, and tell whether there are more."""
    taken = list(islice(found, limit + 1))
    return taken[:limit], len(taken) > limit
