"""The consumer's core, without any broker: a batch in, its effects and its inbox rows in one transaction (DESIGN 3)."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from boss.events.v1 import event_pb2
from boss_kit.events.facts import state_types
from boss_kit.events.inbox import admit, is_seen, newer
from boss_kit.events.parking import BEHIND, lock_keys, park
from boss_kit.events.received import IncomingEvent, Received, Subscription
from boss_kit.tasks import is_transient
from boss_kit.unit_of_work import UNCAUSED, Transaction, UnitOfWork

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 3
MALFORMED = "boss.events.v1.malformed"

Finish = Callable[[sa.Connection], object]
"""What else belongs into the transaction of a batch's effects: the local bus deletes the batch there."""


@dataclass(frozen=True)
class Incoming:
    """A batch as it came."""

    producer: str
    partition: int
    events: Sequence[IncomingEvent]


def _nothing(connection: sa.Connection) -> None:
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
        self._states = state_types() if states is None else frozenset(states)

    def begin(self) -> AbstractContextManager[Transaction]:
        """Open a transaction for a page of events."""
        return self.units.begin(UNCAUSED)

    def process(self, body: bytes, finish: Finish = _nothing) -> None:
        """Process a batch. Raises only what may pass later: then nothing of it is done, and it comes again."""
        self._process(read_batch(body), finish)

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
            finish(connection)

    def attempt(self, tx: Transaction, event: IncomingEvent, attempts: int = ATTEMPTS_MAX) -> str | None:
        """Handle one event in savepoints; give the last error where it failed for good."""
        failure = None
        for _ in range(attempts):
            try:
                with tx.savepoint():
                    self._handle(tx, [event])
                return None
            except Exception as error:
                if is_transient(error):
                    raise
                failure = f"{type(error).__name__}: {error}"
        return failure

    def _process(self, batch: Incoming, finish: Finish) -> None:
        try:
            with self.begin() as tx:
                admitted = admit(tx.connection, batch.producer, batch.partition, batch.events)
                events = self._park_behind(tx, batch.partition, admitted.events, admitted.parked_keys)
                for wave in waves(filter(self._is_ours, events)):
                    self._handle(tx, wave)
                finish(tx.connection)
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("a batch failed, its events go one by one", exc_info=error, extra=_where(batch))
            self._process_singly(batch, finish)

    def _process_singly(self, batch: Incoming, finish: Finish) -> None:
        for event in batch.events:
            event.repair()
        with self.begin() as tx:
            admitted = admit(tx.connection, batch.producer, batch.partition, batch.events)
            parked = set(lock_keys(tx.connection, {event.message.key for event in admitted.events}))
            for event in admitted.events:
                if event.message.key in parked:
                    park(tx.connection, batch.partition, event, BEHIND)
                elif self._is_ours(event):
                    failure = self.attempt(tx, event)
                    if failure is not None:
                        log.error("an event is parked", extra={"event_id": str(event.id), "event_type": event.type})
                        park(tx.connection, batch.partition, event, failure)
                        parked.add(event.message.key)
            finish(tx.connection)

    def _is_ours(self, event: IncomingEvent) -> bool:
        # What nobody here subscribes to was counted, and that is all there is to do.
        return event.message.type in self._subscriptions or event.message.type == MALFORMED

    def _park_behind(
        self, tx: Transaction, partition: int, events: Sequence[IncomingEvent], keys: frozenset[str]
    ) -> Sequence[IncomingEvent]:
        """Park the events whose key has a parked one; give the others."""
        if not keys:
            return events
        parked = lock_keys(tx.connection, keys)
        for event in events:
            if event.message.key in parked:
                park(tx.connection, partition, event, BEHIND)
        return [event for event in events if event.message.key not in parked]

    def _park_unseen(self, batch: Incoming) -> bool:
        (event,) = batch.events
        event.repair()
        with self.begin() as tx:
            if is_seen(tx.connection, event):
                return False
            admit(tx.connection, batch.producer, batch.partition, [event])
            park(tx.connection, batch.partition, event, "it ended the worker each time it was tried")
        return True

    def _handle(self, tx: Transaction, events: Sequence[IncomingEvent]) -> None:
        """Hand events of one type and different keys to their handler."""
        kind = events[0].type
        if kind == MALFORMED:
            raise DecodeError("the message is no batch of events")
        if kind in self._states:
            events = newer(tx.connection, events)
        if events:
            subscription = self._subscriptions[kind]
            decode = subscription.decode
            subscription.handle(tx, [Received(event, decode(event.message.data)) for event in events])


def waves(events: Iterable[IncomingEvent]) -> Iterator[list[IncomingEvent]]:
    """Cut events into pages of one type and different keys that keep each key's order: the k-th event of each key."""
    nth: Counter[str] = Counter()
    cut: list[dict[str, list[IncomingEvent]]] = []
    for event in events:
        message = event.message
        wave = nth[message.key]
        nth[message.key] = wave + 1
        if wave == len(cut):
            cut.append({})
        cut[wave].setdefault(message.type, []).append(event)
    for by_type in cut:
        yield from by_type.values()


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
