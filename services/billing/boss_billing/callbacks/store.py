"""The table of callbacks: each is kept once, by the processor's own id."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.callbacks.rules import CallbackKind, Fit

TABLES = sa.MetaData()

callback = sa.Table(
    "callback",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("callback_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("subject_id", PG_UUID),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

_KEEP = sa.text(
    """
    INSERT INTO callback (enterprise_id, kind, callback_id, state, subject_id, body, correlation, create_time)
    SELECT :enterprise_id, :kind, new.callback_id, 'received', new.subject_id, new.body, :correlation, :now
    FROM unnest(CAST(:ids AS text[]), CAST(:subjects AS uuid[]), CAST(CAST(:bodies AS text[]) AS jsonb[]))
        AS new (callback_id, subject_id, body)
    ON CONFLICT DO NOTHING
    RETURNING callback_id
    """
)

_RECEIVED = sa.text(
    """
    SELECT callback_id, subject_id, body FROM callback
    WHERE enterprise_id = :enterprise_id AND kind = :kind AND callback_id = ANY(:ids) AND state = 'received'
    ORDER BY callback_id
    FOR UPDATE
    """
)

_FIT = sa.text(
    """
    UPDATE callback SET state = new.state, reason = new.reason
    FROM unnest(CAST(:ids AS text[]), CAST(:states AS text[]), CAST(:reasons AS text[]))
        AS new (callback_id, state, reason)
    WHERE callback.enterprise_id = :enterprise_id AND callback.kind = :kind AND callback.callback_id = new.callback_id
    """
)

_LEFT = sa.text(
    """
    SELECT enterprise_id, kind, callback_id FROM callback WHERE state = 'received'
    ORDER BY enterprise_id, kind, callback_id LIMIT :limit
    """
)


def keep(
    connection: sa.Connection,
    enterprise_id: UUID,
    kind: CallbackKind,
    rows: Sequence[tuple[str, UUID | None, Mapping[str, object]]],
    correlation: str,
    now: datetime,
) -> int:
    """Keep callbacks (id, what it is about, body); give how many were new."""
    parameters = {
        "enterprise_id": enterprise_id,
        "kind": kind.value,
        "correlation": correlation,
        "now": now,
        "ids": [row[0] for row in rows],
        "subjects": [row[1] for row in rows],
        "bodies": [json.dumps(row[2]) for row in rows],
    }
    return len(connection.execute(_KEEP, parameters).all())


def received(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, ids: Sequence[str]
) -> Sequence["sa.Row[Any]"]:
    """Lock and read those of the callbacks that aren't applied yet."""
    return connection.execute(_RECEIVED, {"enterprise_id": enterprise_id, "kind": kind.value, "ids": list(ids)}).all()


def note(connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, fits: Mapping[str, Fit]) -> None:
    """Write what became of callbacks."""
    values = list(fits.values())
    connection.execute(
        _FIT,
        {
            "enterprise_id": enterprise_id,
            "kind": kind.value,
            "ids": list(fits),
            "states": [one.state.value for one in values],
            "reasons": [one.reason for one in values],
        },
    )


def left_over(connection: sa.Connection, limit: int) -> Sequence[tuple[UUID, str, str]]:
    """Read callbacks that were kept but not applied: their process ended in between."""
    return [(row[0], row[1], row[2]) for row in connection.execute(_LEFT, {"limit": limit})]
