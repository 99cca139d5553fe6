"""The inbox: which events were seen, and how many; one statement for a batch (DESIGN 3)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from boss_kit import schema
from boss_kit.events.received import IncomingEvent

# Arrays travel as text that PostgreSQL reads itself: for ids that is several times cheaper than a list of UUIDs.
_ADMIT = sa.text(
    """
    WITH incoming AS (
        SELECT event_id, enterprise_id
        FROM unnest(CAST(:event_ids AS uuid[]), CAST(:enterprise_ids AS uuid[])) AS incoming (event_id, enterprise_id)
    ), fresh AS (
        INSERT INTO inbox (producer, event_id, enterprise_id)
        SELECT :producer, event_id, enterprise_id FROM incoming
        ON CONFLICT DO NOTHING
        RETURNING event_id
    ), counted AS (
        INSERT INTO processed_events AS total (producer, partition, events)
        SELECT :producer, :partition, count(*) FROM fresh
        ON CONFLICT (producer, partition) DO UPDATE SET events = total.events + excluded.events
    )
    SELECT true AS seen, event_id AS id FROM incoming WHERE event_id NOT IN (SELECT event_id FROM fresh)
    UNION ALL
    SELECT false, key FROM parked_event WHERE key = ANY (CAST(:keys AS uuid[]))
    """
)

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


@dataclass(frozen=True)
class Admitted:
    """What is new in a batch, in order, and which of its keys have a parked event."""

    events: Sequence[IncomingEvent]
    parked_keys: frozenset[str]


def admit(connection: sa.Connection, producer: str, partition: int, events: Sequence[IncomingEvent]) -> Admitted:
    """Write the events into the inbox and count them; give those that weren't there."""
    messages = [event.message for event in events]
    rows = connection.execute(
        _ADMIT,
        {
            "producer": producer,
            "partition": partition,
            "event_ids": _array(message.id for message in messages),
            "enterprise_ids": _array(message.enterprise or "NULL" for message in messages),
            "keys": _array(message.key for message in messages),
        },
    ).all()
    taken = {str(row.id) for row in rows if row.seen}
    fresh = []
    for event in events:
        if event.message.id not in taken:
            # The same event twice in one batch is once.
            taken.add(event.message.id)
            fresh.append(event)
    return Admitted(fresh, frozenset(str(row.id) for row in rows if not row.seen))


def newer(connection: sa.Connection, events: Sequence[IncomingEvent]) -> Sequence[IncomingEvent]:
    """Remember the versions of states of one type and different subjects; give those that aren't older than seen."""
    messages = [event.message for event in events]
    subjects = connection.scalars(
        _NEWER,
        {
            "type": messages[0].type,
            "enterprise_ids": _array(message.enterprise for message in messages),
            "subjects": [message.subject for message in messages],
            "versions": [message.version for message in messages],
        },
    ).all()
    if len(subjects) == len(events):
        return events
    kept = frozenset(subjects)
    return [event for event in events if event.subject in kept]


def is_seen(connection: sa.Connection, event: IncomingEvent) -> bool:
    """Tell whether an event was processed or parked."""
    row = sa.and_(schema.inbox.c.producer == event.producer, schema.inbox.c.event_id == event.id)
    return bool(connection.scalar(sa.select(sa.exists().where(row))))


def _array(ids: Iterable[str]) -> str:
    return "{" + ",".join(ids) + "}"
