"""What a test finds in an outbox."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from boss.events.v1 import event_pb2

from boss_kit.events.batch import read_events, stored_piece
from boss_kit.schema import outbox


def written_events(connection: sa.Connection, enterprise_id: UUID | None = None) -> Sequence[event_pb2.Event]:
    """Read the events of an outbox, or of one enterprise in it, in the order they were sealed."""
    query = sa.select(outbox.c.events, outbox.c.body)
    if enterprise_id is not None:
        query = query.where(outbox.c.enterprise_id == enterprise_id)
    # A row has those of one partition; their ids are of the time they were made.
    pieces = [stored_piece(*row) for row in connection.execute(query)]
    return sorted(read_events(piece.body for piece in pieces), key=lambda event: event.id)
