"""The consumer's core, without any broker: a batch in, its effects and its inbox rows in one transaction (DESIGN 3)."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from boss.events.v1 import event_pb2
from google.protobuf.message import DecodeError

from boss_kit.database import driver_connection
from boss_kit.events.facts import state_types
from boss_kit.events.inbox import Finish, Incoming, SeenBefore, admit, admit_new, is_seen, newer, parked_keys
from boss_kit.events.parking import BEHIND, lock_keys, park
from boss_kit.events.received import IncomingEvent, Received, Subscription
from boss_kit.tasks import is_transient
from boss_kit.unit_of_work import UNCAUSED, Transaction, UnitOfWork

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 3
MALFORMED = "boss.events.v1.malformed"

Page = list[Received[Any]]


def _nothing(driver: "psycopg.Connection[Any]") -> None:
    """Finish where nothing else belongs into the transaction."""


class Consumer:
    """Processes batches for one service: each event takes effect once, in the order of its key."""

    def __init__(
        self,
        units: UnitOfWork,
        subscriptions: Iterable[Subscription[Any]],
        *,
        states: Collection[str] | None = None,
    ) -> None:
        self.units = units
        self._subscriptions: Mapping[str, Subscription[Any]] = {entry.type: entry for entry in subscriptions}
        self._ours = frozenset([*self._subscriptions, MALFORMED])
        self._states = state_types() if states is None else frozenset(states)

    def begin(self) -> AbstractContextManager[Transaction]:
        """Open a transaction for a page of events."""
        return self.units.begin(UNCAUSED)

    def process(self, body: bytes, finish: Finish = _nothing) -> None:
        """Process a batch. Raises only what may pass later: then nothing of it is done, and it comes again."""
        self._process(read_batch(body), finish)

    def process_together(self, bodies: Sequence[bytes], finish: Finish = _nothing) -> bool:
        """Process several batches in one transaction, and tell whether that went; if not, nothing of them is done.

        The handlers get the pages of all of them at once. Raises only what may pass later.
        """
        batches = [read_batch(body) for body in bodies]
        try:
            with self.begin() as tx:
                events = [event for batch in batches for event in batch.events]
                pages, some_parked = admit_new(tx.connection, batches, finish, meanwhile=lambda: self._read(events))
                if some_parked:
                    raise SeenBefore
                self._handle(tx, pages)
        except Exception as error:
            if is_transient(error):
                raise
            # One by one they find out what was seen, what is parked and what fails.
            return False
        return True

    def process_each(self, body: bytes, finish: Finish = _nothing, *, suspect: bool = False) -> None:
        """Process a batch that ended a worker before, one event per transaction.

        With `suspect` the first event that has no effect yet has ended workers again: it is parked untried.
        """
        batch = read_batch(body)
        for event in batch.events:
            one = Incoming(batch.producer, batch.partition, [event])
            if suspect and self._park_unseen(one):
                suspect = False
            else:
                self._process(one, _nothing)
        with self.units.engine.begin() as connection:
            finish(driver_connection(connection))

    def attempt(self, tx: Transaction, event: IncomingEvent, attempts: int = ATTEMPTS_MAX) -> str | None:
        """Handle one event in savepoints; give the last error where it failed for good."""
        failure = None
        for _ in range(attempts):
            try:
                with tx.savepoint():
                    self._handle(tx, self._read([event]))
                return None
            except Exception as error:
                if is_transient(error):
                    raise
                failure = f"{type(error).__name__}: {error}"
        return failure

    def _process(self, batch: Incoming, finish: Finish) -> None:
        try:
            try:
                self._process_new(batch, finish)
            except SeenBefore:
                self._process_unseen(batch, finish)
        except Exception as error:
            if is_transient(error):
                raise
            # By its type only: what it says may be about a person. The parked event keeps the rest.
            log.warning(
                "a batch failed, its events go one by one", extra=_where(batch) | {"error": type(error).__name__}
            )
            self._process_singly(batch, finish)

    def _process_new(self, batch: Incoming, finish: Finish) -> None:
        with self.begin() as tx:
            pages, some_parked = admit_new(tx.connection, [batch], finish, meanwhile=lambda: self._read(batch.events))
            if some_parked:
                pages = self._read(_park_behind(tx, batch.partition, batch.events))
            self._handle(tx, pages)

    def _process_unseen(self, batch: Incoming, finish: Finish) -> None:
        with self.begin() as tx:
            events = _park_behind(tx, batch.partition, admit(tx.connection, batch))
            self._handle(tx, self._read(events))
            finish(driver_connection(tx.connection))

    def _process_singly(self, batch: Incoming, finish: Finish) -> None:
        for event in batch.events:
            event.repair()
        with self.begin() as tx:
            parked: set[str] = set()
            for event in _park_behind(tx, batch.partition, admit(tx.connection, batch)):
                failure = BEHIND if event.message.key in parked else None
                if failure is None and event.type in self._ours:
                    failure = self.attempt(tx, event)
                if failure is not None:
                    log.error("an event is parked", extra={"event_id": event.message.id, "event_type": event.type})
                    park(tx.connection, batch.partition, event, failure)
                    parked.add(event.message.key)
            finish(driver_connection(tx.connection))

    def _park_unseen(self, batch: Incoming) -> bool:
        (event,) = batch.events
        event.repair()
        with self.begin() as tx:
            if is_seen(tx.connection, event):
                return False
            admit(tx.connection, batch)
            park(tx.connection, batch.partition, event, "it ended the worker each time it was tried")
        return True

    def _read(self, events: Sequence[IncomingEvent]) -> list[Page]:
        """Decode the facts we subscribe to, in pages of one type and different keys."""
        pages = []
        # What nobody here subscribes to was counted, and that is all there is to do.
        for wave in waves([event for event in events if event.message.type in self._ours]):
            if wave[0].type == MALFORMED:
                raise DecodeError("the message is no batch of events")
            decode = self._subscriptions[wave[0].type].decode
            pages.append([Received(event, decode(event.message.data)) for event in wave])
        return pages

    def _handle(self, tx: Transaction, pages: Sequence[Page]) -> None:
        for page in pages:
            kind = page[0].event.type
            current = self._skip_stale(tx, page) if kind in self._states else page
            if current:
                self._subscriptions[kind].handle(tx, current)

    def _skip_stale(self, tx: Transaction, page: Page) -> Page:
        subjects = newer(tx.connection, [received.event for received in page])
        return [received for received in page if received.event.subject in subjects]


def waves(events: Sequence[IncomingEvent]) -> Iterator[list[IncomingEvent]]:
    """Cut events into pages of one type and different keys that keep each key's order: the k-th event of each key."""
    keys = [event.message.key for event in events]
    if len(set(keys)) == len(keys):
        yield from _by_type(events)
        return
    nth: Counter[str] = Counter()
    cut: defaultdict[int, list[IncomingEvent]] = defaultdict(list)
    for key, event in zip(keys, events, strict=True):
        cut[nth[key]].append(event)
        nth[key] += 1
    for wave in cut.values():
        yield from _by_type(wave)


def _by_type(wave: Sequence[IncomingEvent]) -> Iterable[list[IncomingEvent]]:
    pages: defaultdict[str, list[IncomingEvent]] = defaultdict(list)
    for event in wave:
        pages[event.message.type].append(event)
    return pages.values()


def _park_behind(tx: Transaction, partition: int, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
    """Park the events whose key has a parked one; give the others."""
    keys = parked_keys(tx.connection, events)
    # Asked again under the lock: a replay may just have finished.
    keys = lock_keys(tx.connection, keys) if keys else keys
    for event in events:
        if event.message.key in keys:
            park(tx.connection, partition, event, BEHIND)
    return [event for event in events if event.message.key not in keys]


def read_batch(body: bytes) -> Incoming:
    """Read a message; one that is no batch becomes a single event that can only be parked."""
    try:
        batch = event_pb2.EventBatch.FromString(body)
    except DecodeError:
        event = IncomingEvent(event_pb2.Event(type=MALFORMED, data=body), "")
        event.repair()
        return Incoming("", 0, [event])
    return Incoming(
        batch.producer, batch.partition, [IncomingEvent(message, batch.producer) for message in batch.events]
    )


def _where(batch: Incoming) -> dict[str, object]:
    return {"producer": batch.producer, "partition": batch.partition, "events": len(batch.events)}
