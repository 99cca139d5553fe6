"""The envelope around a fact, on its way out."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from boss.events.v1 import event_pb2

from boss_kit.context import Context
from boss_kit.ids import new_id_and_text, partition_of, text_of


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


class OutboxRow(NamedTuple):
    """An event as the outbox keeps it."""

    enterprise_id: UUID
    partition: int
    event_id: UUID
    body: bytes


_Place = tuple[str, UUID, UUID | None, date]


class Sealer:
    """Puts the events of one story and instant into their envelopes; what they share is written once."""

    def __init__(self, source: str, context: Context, now: datetime) -> None:
        self._source, self._context, self._now = source, context, now
        self._heads: dict[_Place, bytes] = {}
        self._last: tuple[_Place | None, bytes] = (None, b"")

    def seal(self, event: OutgoingEvent) -> OutboxRow:
        """Put an event into its envelope."""
        place = (event.type, event.enterprise_id, event.business_unit_id, event.business_date)
        last, head = self._last
        if place != last:
            head = self._heads.get(place) or self._heads.setdefault(place, self._head(event))
            self._last = (place, head)
        event_id, text = new_id_and_text()
        own = event_pb2.Event(
            id=text, subject=event.subject, key=text_of(event.key), version=event.version, data=event.data
        )
        # Two messages written one behind the other are read as one: that is how protobuf merges.
        return OutboxRow(event.enterprise_id, partition_of(event.key), event_id, head + own.SerializeToString())

    def _head(self, event: OutgoingEvent) -> bytes:
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
        return message.SerializeToString()


def seal(source: str, event: OutgoingEvent, context: Context, now: datetime) -> OutboxRow:
    """Put one event into its envelope."""
    return Sealer(source, context, now).seal(event)
