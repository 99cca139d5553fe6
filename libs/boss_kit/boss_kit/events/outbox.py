"""The outbox: an event exists if and only if its transaction committed."""

from collections.abc import Sequence

import sqlalchemy as sa

from boss_kit.database import copy_rows, rows_of
from boss_kit.events.envelope import OutboxRow
from boss_kit.schema import outbox

CHANNEL = "boss_outbox"
COPY_FROM_ROWS = 50
QUIET_S = 0.003
"""Transactions that follow each other so closely are published together."""
_COLUMNS = OutboxRow._fields
_WRITE = sa.text(
    """
    WITH written AS (
        INSERT INTO outbox (enterprise_id, partition, event_id, body)
        SELECT * FROM unnest(
            CAST(:enterprise_id AS uuid[]), CAST(:partition AS smallint[]),
            CAST(:event_id AS uuid[]), CAST(:body AS bytea[])
        )
    )
    SELECT pg_notify(:channel, '')
    """
)


def write(connection: sa.Connection, rows: Sequence[OutboxRow]) -> None:
    """Add events to the outbox and wake the relay when the transaction commits."""
    if not rows:
        return
    if len(rows) >= COPY_FROM_ROWS:
        copy_rows(connection, outbox, _COLUMNS, rows)
        connection.execute(sa.select(sa.func.pg_notify(CHANNEL, "")))
    else:
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        rows_of(connection, _WRITE, columns | {"channel": CHANNEL})
