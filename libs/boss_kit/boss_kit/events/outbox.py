"""The outbox: an event exists if and only if its transaction committed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from boss_kit.database import copy_rows, rows_of
from boss_kit.events.batch import cut, make_piece, store
from boss_kit.ids import PARTITIONS
from boss_kit.schema import outbox

CHANNEL = "boss_outbox"
COPY_FROM_BYTES = 50_000
SealedEvent = tuple[UUID, int, bytes]
"""An event in its envelope, serialized, behind the enterprise and the partition it belongs to."""
QUIET_S = 0.003
"""Transactions that follow each other so closely are published together."""


class _Row(NamedTuple):
    """Events of one enterprise and partition, in order: row by row they would cost several times as much."""

    enterprise_id: UUID
    partition: int
    events: int
    body: bytes


_COLUMNS = _Row._fields
_WRITE = sa.text(
    """
    WITH written AS (
        INSERT INTO outbox (enterprise_id, partition, events, body)
        SELECT * FROM unnest(
            CAST(:enterprise_id AS uuid[]), CAST(:partition AS smallint[]),
            CAST(:events AS smallint[]), CAST(:body AS bytea[])
        )
    )
    SELECT pg_notify(:channel, '')
    """
)


def write(connection: sa.Connection, events: Iterable[SealedEvent]) -> None:
    """Add events to the outbox and wake the relay when the transaction commits; partitions keep their order."""
    rows = list(_rows(events))
    if not rows:
        return
    if sum(len(row.body) for row in rows) >= COPY_FROM_BYTES:
        copy_rows(connection, outbox, _COLUMNS, rows, rows_at_once=1)
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
    else:
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        rows_of(connection, _WRITE, columns | {"channel": CHANNEL})


def _rows(events: Iterable[SealedEvent]) -> Iterator[_Row]:
    places: dict[UUID, list[list[bytes]]] = {}
    enterprise_id, mine = None, []
    for one, partition, body in events:
        # A page is of one enterprise nearly always: it isn't looked up for each event.
        if one is not enterprise_id:
            enterprise_id = one
            mine = places.setdefault(one, [[] for _ in range(PARTITIONS)])
        mine[partition].append(body)
    for enterprise_id, of_partitions in places.items():
        for partition, bodies in enumerate(of_partitions):
            yield from _pieces(enterprise_id, partition, bodies)


def _pieces(enterprise_id: UUID, partition: int, bodies: Sequence[bytes]) -> Iterator[_Row]:
    start = 0
    for events_of_piece in cut((1, len(body)) for body in bodies):
        piece = store(make_piece(bodies[start : start + events_of_piece]))
        start += events_of_piece
        yield _Row(enterprise_id, partition, piece.events, piece.body)
