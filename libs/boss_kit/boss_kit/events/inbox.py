"""The inbox: which events were seen, and how many; one statement for a batch (DESIGN 3)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa

from boss_kit import schema
from boss_kit.database import driver_connection
from boss_kit.events.received import IncomingEvent

Read = TypeVar("Read")
Finish = Callable[["psycopg.Connection[Any]"], object]
"""What else belongs into the transaction of a batch's effects: the local bus deletes the batch there."""

# Arrays travel as text that PostgreSQL reads itself: for ids that is several times cheaper than a list of UUIDs.
_INCOMING = """
    WITH incoming AS (
        SELECT event_id, enterprise_id
        FROM unnest(%(event_ids)s::uuid[], %(enterprise_ids)s::uuid[]) AS incoming (event_id, enterprise_id)
    ), fresh AS (
        INSERT INTO inbox (producer, event_id, enterprise_id)
        SELECT %(producer)s, event_id, enterprise_id FROM incoming
"""
_COUNTED = """
    ), counted AS (
        INSERT INTO processed_events AS total (producer, partition, events)
        SELECT %(producer)s, %(partition)s, EVENTS
        ON CONFLICT (producer, partition) DO UPDATE SET events = total.events + excluded.events
    )
"""
# Nearly every batch is all new. ON CONFLICT would write half as much again into the log to allow for one that isn't.
_ADMIT_NEW = (
    _INCOMING
    + _COUNTED.replace("EVENTS", "%(events)s")
    + "SELECT EXISTS (SELECT FROM parked_event WHERE partition = %(partition)s)"
).encode()
_ADMIT = (
    _INCOMING
    + "ON CONFLICT DO NOTHING RETURNING event_id"
    + _COUNTED.replace("EVENTS", "count(*) FROM fresh")
    + "SELECT event_id FROM incoming WHERE event_id NOT IN (SELECT event_id FROM fresh)"
).encode()
_PARKED = sa.text("SELECT DISTINCT key FROM parked_event WHERE key = ANY (CAST(:keys AS uuid[]))")

_NEWER = sa.text(
    """
    INSERT INTO seen_version AS seen (enterprise_id, type, key, version)
    SELECT enterprise_id, :type, subject, version
    FROM unnest(CAST(:enterprise_ids AS uuid[]), CAST(:subjects AS text[]), CAST(:versions AS bigint[]))
        AS incoming (enterprise_id, subject, version)
    ON CONFLICT (enterprise_id, type, key) DO UPDATE SET version = excluded.version
        WHERE seen.version <= excluded.version
    RETURNING key
    """
)


class SeenBefore(Exception):
    """Say that not all of a batch is new: its transaction is spent, and the next one sorts out what is."""


@dataclass(frozen=True)
class Incoming:
    """A batch as it came."""

    producer: str
    partition: int
    events: Sequence[IncomingEvent]


def admit_new(
    connection: sa.Connection, batches: Sequence[Incoming], finish: Finish, meanwhile: Callable[[], Read]
) -> tuple[Read, bool]:
    """Write batches into the inbox, count them and `finish`, in one round trip; tell whether any has parked events.

    Does something `meanwhile`, while the database is busy with the rows. Raises SeenBefore.
    """
    driver = driver_connection(connection)
    try:
        with driver.pipeline():
            cursors = [driver.execute(_ADMIT_NEW, _parameters(batch)) for batch in batches]
            finish(driver)
            read = meanwhile()
        rows = [cursor.fetchone() for cursor in cursors]
    except psycopg.errors.UniqueViolation as error:
        raise SeenBefore from error
    return read, any(row is not None and row[0] for row in rows)


def admit(connection: sa.Connection, batch: Incoming) -> Sequence[IncomingEvent]:
    """Write a batch into the inbox and count what wasn't there; give that."""
    taken = {str(row[0]) for row in driver_connection(connection).execute(_ADMIT, _parameters(batch))}
    fresh = []
    for event in batch.events:
        if event.message.id not in taken:
            # The same event twice in one batch is once.
            taken.add(event.message.id)
            fresh.append(event)
    return fresh


def parked_keys(connection: sa.Connection, events: Sequence[IncomingEvent]) -> frozenset[str]:
    """Tell which keys of these events have a parked one."""
    keys = connection.scalars(_PARKED, {"keys": _array(event.message.key for event in events)})
    return frozenset(map(str, keys))


def newer(connection: sa.Connection, events: Sequence[IncomingEvent]) -> frozenset[str]:
    """Remember the versions of states of one type; give the subjects whose state isn't older than the one seen."""
    messages = [event.message for event in events]
    subjects = connection.scalars(
        _NEWER,
        {
            "type": messages[0].type,
            "enterprise_ids": _array(message.enterprise for message in messages),
            "subjects": [message.subject for message in messages],
            "versions": [message.version for message in messages],
        },
    )
    return frozenset(subjects)


def is_seen(connection: sa.Connection, event: IncomingEvent) -> bool:
    """Tell whether an event was processed or parked."""
    row = sa.and_(schema.inbox.c.producer == event.producer, schema.inbox.c.event_id == event.id)
    return bool(connection.scalar(sa.select(sa.exists().where(row))))


def _parameters(batch: Incoming) -> dict[str, object]:
    return {
        "producer": batch.producer,
        "partition": batch.partition,
        "events": len(batch.events),
        "event_ids": _array([event.message.id for event in batch.events]),
        "enterprise_ids": _array([event.message.enterprise or "NULL" for event in batch.events]),
    }


def _array(ids: Iterable[str]) -> str:
    return "{" + ",".join(ids) + "}"
