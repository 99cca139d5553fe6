"""The envelope around a fact, on its way out."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from boss.events.v1 import event_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from boss_kit.context import Context
from boss_kit.ids import new_id, partition_of


@dataclass(frozen=True)
class OutgoingEvent:
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


@dataclass(frozen=True)
class OutboxRow:
    """An event as the outbox keeps it."""

    enterprise_id: UUID
    partition: int
    event_id: UUID
    body: bytes


def seal(source: str, event: OutgoingEvent, context: Context, now: datetime) -> OutboxRow:
    """Put an event into its envelope."""
    event_id = new_id()
    message = event_pb2.Event(
        id=str(event_id),
        source=source,
        type=event.type,
        subject=event.subject,
        enterprise=_text(event.enterprise_id),
        business_unit=_text(event.business_unit_id) if event.business_unit_id else "",
        key=str(event.key),
        version=event.version,
        correlation=context.correlation,
        causation=context.causation,
        traceparent=context.traceparent,
        actor=context.actor.to_json(),
        data=event.data,
    )
    message.time.seconds, message.time.nanos = _instant(now)
    day = event.business_date
    message.business_date.year, message.business_date.month, message.business_date.day = day.year, day.month, day.day
    return OutboxRow(event.enterprise_id, partition_of(event.key), event_id, message.SerializeToString())


# A page of events shares its instant and its units; writing them anew for each is a third of what an envelope costs.
@lru_cache(maxsize=4096)
def _text(shared_id: UUID) -> str:
    return str(shared_id)


@lru_cache(maxsize=64)
def _instant(now: datetime) -> tuple[int, int]:
    message = Timestamp()
    message.FromDatetime(now)
    return message.seconds, message.nanos
