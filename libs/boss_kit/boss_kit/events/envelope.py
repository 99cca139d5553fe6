"""The envelope around a fact, on its way out."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from boss.events.v1 import event_pb2

from boss_kit.context import Context
from boss_kit.events.stamps import Stamps
from boss_kit.ids import new_id_text, text_of


class OutgoingEvent(NamedTuple):
    """A fact ready for the outbox: what a service's `events.encode` makes of it.

    `key` is the UUID whose events keep their order; `version` is for facts that are state.
    """

    type: str
    key: UUID
    subject: str
    enterprise_id: UUID
    business_date: date
    data: bytes
    business_unit_id: UUID | None = None
    version: int = 0


class SimilarEvent(NamedTuple):
    """A fact of which a page has thousands that differ in a few texts; `boss_kit.events.stamps` says what is won.

    `write((enterprise_id, business_unit_id), same, key's text, *texts)` gives subject and data, and depends on nothing
    else.
    """

    type: str
    key: UUID
    enterprise_id: UUID
    business_date: date
    write: Callable[..., tuple[str, bytes]]
    same: tuple[object, ...]
    texts: tuple[str, ...]
    business_unit_id: UUID | None = None
    version: int = 0


_Place = tuple[str, UUID, UUID | None, date]


class Sealer:
    """Puts the events of one story and instant into envelopes; those of one place share what is in theirs."""

    def __init__(self, source: str, context: Context, now: datetime) -> None:
        self._source, self._context, self._now = source, context, now
        self._envelopes: dict[_Place, _Envelope] = {}
        self._place: _Place | None = None
        self._envelope = _Envelope(event_pb2.Event())

    def seal(self, event: OutgoingEvent | SimilarEvent) -> bytes:
        """Put an event into its envelope; give it serialized."""
        place = (event.type, event.enterprise_id, event.business_unit_id, event.business_date)
        if place != self._place:
            self._place = place
            known = self._envelopes.get(place)
            self._envelope = known or self._envelopes.setdefault(place, _Envelope(self._shared(event)))
        if isinstance(event, SimilarEvent):
            return self._envelope.stamp(event)
        return self._envelope.write(new_id_text(), text_of(event.key), event.version, event.subject, event.data)

    def _shared(self, event: OutgoingEvent | SimilarEvent) -> event_pb2.Event:
        context, day = self._context, event.business_date
        message = event_pb2.Event(
            source=self._source,
            type=event.type,
            enterprise=str(event.enterprise_id),
            business_unit=str(event.business_unit_id) if event.business_unit_id else "",
            correlation=context.correlation,
            causation=context.causation,
            traceparent=context.traceparent,
            actor=context.actor.to_json(),
        )
        message.time.FromDatetime(self._now)
        message.business_date.year, message.business_date.month = day.year, day.month
        message.business_date.day = day.day
        return message


class _Envelope:
    """What the events of a place share, and the forms of those that are alike."""

    def __init__(self, message: event_pb2.Event) -> None:
        self._message = message
        self._stamps = Stamps()

    def write(self, event_id: str, key: str, version: int, subject: str, data: bytes) -> bytes:
        message = self._message
        message.id = event_id
        message.subject = subject
        message.key = key
        message.version = version
        message.data = data
        return message.SerializeToString()

    def stamp(self, event: SimilarEvent) -> bytes:
        texts = (new_id_text(), text_of(event.key), *event.texts)
        return self._stamps.stamp((event.version, event.same), texts, self._write_similar, event)

    def _write_similar(self, event: SimilarEvent, texts: Sequence[str]) -> bytes:
        event_id, key, *own = texts
        place = (event.enterprise_id, event.business_unit_id)
        return self.write(event_id, key, event.version, *event.write(place, event.same, key, *own))


def seal(source: str, event: OutgoingEvent | SimilarEvent, context: Context, now: datetime) -> bytes:
    """Put one event into its envelope; give it serialized."""
    return Sealer(source, context, now).seal(event)
