"""Parked events: set aside after they failed for good, until a person replays or drops them (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from boss.events.v1 import event_pb2

from boss_kit import schema
from boss_kit.errors import FailedPrecondition, NotFound
from boss_kit.events.received import IncomingEvent

if TYPE_CHECKING:
    from boss_kit.events.consumer import Consumer

BEHIND = "an earlier event of the same key is parked"
ERROR_LENGTH_MAX = 2000
_LOCK_CLASS = 0x7061726B  # "park": keeps key locks apart from other advisory locks of the database.
_TABLE = schema.parked_event


@dataclass(frozen=True)
class ParkedEvent:
    """An event that was set aside, and why."""

    id: int
    enterprise_id: UUID | None
    partition: int
    event: IncomingEvent
    error: str
    create_time: datetime


@dataclass(frozen=True)
class Replayed:
    """How many events went through, and the error that stopped the rest, if any."""

    events: int
    error: str = ""


def park(connection: sa.Connection, partition: int, event: IncomingEvent, error: str) -> None:
    """Set an event aside, in the transaction of its inbox row."""
    connection.execute(
        sa.insert(_TABLE).values(
            enterprise_id=event.enterprise_id if event.message.enterprise else None,
            producer=event.producer,
            partition=partition,
            event_id=event.id,
            type=event.type,
            key=event.key,
            body=event.message.SerializeToString(),
            error=error[:ERROR_LENGTH_MAX],
        )
    )


def lock_keys(connection: sa.Connection, keys: Iterable[str]) -> frozenset[str]:
    """Keep replays of these keys away until the commit; give those that still have a parked event."""
    ordered = sorted(keys)
    for key in ordered:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_CLASS, sa.func.hashtext(key))))
    still = sa.select(_TABLE.c.key).where(_TABLE.c.key.in_([UUID(key) for key in ordered])).distinct()
    return frozenset(str(key) for key in connection.scalars(still))


def list_parked(
    connection: sa.Connection, page_size: int, after_id: int = 0, enterprise_id: UUID | None = None
) -> Sequence[ParkedEvent]:
    """Give a page of parked events, oldest first; of one enterprise, or of all."""
    query = sa.select(_TABLE).where(_TABLE.c.id > after_id).order_by(_TABLE.c.id).limit(page_size)
    if enterprise_id is not None:
        query = query.where(_TABLE.c.enterprise_id == enterprise_id)
    return [_parked(row) for row in connection.execute(query)]


def get_parked(connection: sa.Connection, parked_event_id: int) -> ParkedEvent:
    """Give one parked event. Raises NotFound."""
    row = connection.execute(sa.select(_TABLE).where(_TABLE.c.id == parked_event_id)).one_or_none()
    if row is None:
        raise _not_found(parked_event_id)
    return _parked(row)


def replay(consumer: Consumer, parked_event_id: int) -> Replayed:
    """Process a parked event and those behind it of the same key, in order, until one fails again.

    Raises NotFound, and FailedPrecondition where an earlier event of the key is parked too.
    """
    with consumer.begin() as tx:
        first = get_parked(tx.connection, parked_event_id)
        key = str(first.event.key)
        lock_keys(tx.connection, [key])
        # Read again under the lock: another replay may just have finished.
        waiting = _of_key(tx.connection, first.event.key)
        if not any(parked.id == parked_event_id for parked in waiting):
            raise _not_found(parked_event_id)
        if waiting[0].id != parked_event_id:
            raise FailedPrecondition(
                "EARLIER_EVENT_PARKED",
                f"Parked event {waiting[0].id} of the same key comes first: replay or drop that one.",
                metadata={"parked_event_id": str(waiting[0].id)},
            )
        for done, parked in enumerate(waiting):
            error = consumer.attempt(tx, parked.event, attempts=1)
            if error is not None:
                connection_update = sa.update(_TABLE).where(_TABLE.c.id == parked.id)
                tx.connection.execute(connection_update.values(error=error[:ERROR_LENGTH_MAX]))
                return Replayed(done, error)
            drop(tx.connection, parked.id)
        return Replayed(len(waiting))


def drop(connection: sa.Connection, parked_event_id: int) -> None:
    """Give a parked event up for good; those behind it stay parked until they are replayed. Raises NotFound."""
    gone = connection.execute(sa.delete(_TABLE).where(_TABLE.c.id == parked_event_id))
    if gone.rowcount == 0:
        raise _not_found(parked_event_id)


def _of_key(connection: sa.Connection, key: UUID) -> Sequence[ParkedEvent]:
    query = sa.select(_TABLE).where(_TABLE.c.key == key).order_by(_TABLE.c.id)
    return [_parked(row) for row in connection.execute(query)]


def _parked(row: sa.Row[*tuple[Any, ...]]) -> ParkedEvent:
    event = IncomingEvent(event_pb2.Event.FromString(row.body), row.producer)
    return ParkedEvent(row.id, row.enterprise_id, row.partition, event, row.error, row.create_time)


def _not_found(parked_event_id: int) -> NotFound:
    return NotFound(
        "PARKED_EVENT_NOT_FOUND",
        f"There is no parked event {parked_event_id}.",
        metadata={"parked_event_id": str(parked_event_id)},
    )
