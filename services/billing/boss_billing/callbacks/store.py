"""The table of callbacks: each is kept once, by the processor's own id."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.callbacks.rules import CallbackKind, CallbackState, Fit, Kept, Resolution
from boss_kit.database import rows_of

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
    sa.Column("resolution", sa.Text, nullable=False),
    sa.Column("resolution_comment", sa.Text, nullable=False),
    sa.Column("resolved_by", sa.Text, nullable=False),
    sa.Column("resolve_time", sa.DateTime(timezone=True)),
)

_JSON = json.JSONEncoder(default=str, check_circular=False)

_NEED_NOT_WAIT = sa.text("SET LOCAL synchronous_commit = off")

_WAIT = sa.text("SET LOCAL synchronous_commit TO DEFAULT")

_KEEP = sa.text(
    """
    INSERT INTO callback (enterprise_id, kind, callback_id, state, subject_id, body, correlation, create_time)
    SELECT :enterprise_id, :kind, new.callback_id, 'received', new.subject_id, new.body, new.correlation, :now
    FROM unnest(CAST(:ids AS text[]), CAST(:subjects AS uuid[]), CAST(CAST(:bodies AS text[]) AS jsonb[]),
                CAST(:correlations AS text[]))
        AS new (callback_id, subject_id, body, correlation)
    ON CONFLICT DO NOTHING
    RETURNING callback_id
    """
)

# A body is compared with the one that came first by what both of them have; how a message is worded is no matter.
_KEEP_CONTRADICTIONS = sa.text(
    """
    INSERT INTO callback (enterprise_id, kind, callback_id, state, reason, subject_id, body, correlation, create_time)
    SELECT :enterprise_id, :kind, new.callback_id || '#' || left(md5(new.body::text), 12), 'exception', :reason,
           new.subject_id, new.body, new.correlation, :now
    FROM unnest(CAST(:ids AS text[]), CAST(:subjects AS uuid[]), CAST(CAST(:bodies AS text[]) AS jsonb[]),
                CAST(:correlations AS text[]))
        AS new (callback_id, subject_id, body, correlation)
    JOIN callback AS first ON first.enterprise_id = :enterprise_id AND first.kind = :kind
        AND first.callback_id = new.callback_id
    WHERE (first.body || new.body) - 'message' <> (new.body || first.body) - 'message'
    ON CONFLICT DO NOTHING
    """
)

_LOCK_RECEIVED = sa.text(
    """
    SELECT callback_id FROM callback
    WHERE enterprise_id = :enterprise_id AND kind = :kind AND callback_id = ANY(:ids) AND state = 'received'
    ORDER BY callback_id
    FOR UPDATE
    """
)

# Found by the primary key, so two that claim the same callbacks meet them in the same order.
_CLAIM = sa.text(
    """
    UPDATE callback SET state = 'applied'
    WHERE enterprise_id = :enterprise_id AND kind = :kind AND callback_id = ANY(:ids) AND state = 'received'
    RETURNING callback_id
    """
)

_BODIES = sa.text(
    """
    SELECT callback_id, body FROM callback
    WHERE enterprise_id = :enterprise_id AND kind = :kind AND callback_id = ANY(:ids)
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

# A result waits for its attempt or refund, an answer for its inquiry, news for a source with its token, a return for
# the approval of its payment, and the reversal of a chargeback for the chargeback.
_MATCHABLE = """
    (unmatched.kind = 'payment_result' AND EXISTS (
        SELECT FROM attempt
        WHERE attempt.enterprise_id = unmatched.enterprise_id AND attempt.id = unmatched.subject_id))
    OR (unmatched.kind = 'account_update' AND EXISTS (
        SELECT FROM card_inquiry AS inquiry
        WHERE inquiry.enterprise_id = unmatched.enterprise_id AND inquiry.id = unmatched.subject_id))
    OR (unmatched.kind = 'account_update' AND unmatched.body ->> 'current_token' <> '' AND EXISTS (
        SELECT FROM funding_source AS source
        WHERE source.enterprise_id = unmatched.enterprise_id AND source.token = unmatched.body ->> 'current_token'))
    OR (unmatched.kind = 'refund_result' AND EXISTS (
        SELECT FROM refund
        WHERE refund.enterprise_id = unmatched.enterprise_id AND refund.id = unmatched.subject_id))
    OR (unmatched.kind = 'payment_return' AND EXISTS (
        SELECT FROM attempt
        WHERE attempt.enterprise_id = unmatched.enterprise_id AND attempt.id = unmatched.subject_id
          AND attempt.state NOT IN ('created', 'pending', 'unknown'))
        AND (unmatched.body ->> 'kind' <> 'reversal' OR EXISTS (
            SELECT FROM callback AS chargeback
            WHERE chargeback.enterprise_id = unmatched.enterprise_id AND chargeback.kind = 'payment_return'
              AND chargeback.subject_id = unmatched.subject_id AND chargeback.state IN ('applied', 'resolved')
              AND chargeback.body ->> 'kind' <> 'reversal')))
"""

_MATCH_AGAIN = sa.text(
    f"""
    UPDATE callback SET state = 'received', reason = ''
    FROM (
        SELECT enterprise_id, kind, callback_id FROM callback AS unmatched
        WHERE state = 'unmatched' AND ({_MATCHABLE})
        ORDER BY create_time, callback_id LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ) AS found
    WHERE callback.enterprise_id = found.enterprise_id AND callback.kind = found.kind
      AND callback.callback_id = found.callback_id
    """
)

# Whoever is just applying one of them will see the result under the account's lock, too.
_RECEIVE_WAITING = sa.text(
    """
    UPDATE callback SET state = 'received', reason = ''
    FROM (
        SELECT callback_id FROM callback
        WHERE enterprise_id = :enterprise_id AND kind = :kind AND state = 'unmatched' AND subject_id = ANY(:ids)
        FOR UPDATE SKIP LOCKED
    ) AS found
    WHERE callback.enterprise_id = :enterprise_id AND callback.kind = :kind
      AND callback.callback_id = found.callback_id
    RETURNING callback.callback_id
    """
)

_UNITS_OF_ATTEMPTS = sa.text(
    "SELECT id, business_unit_id FROM attempt WHERE enterprise_id = :enterprise_id AND id = ANY(:ids)"
)

_HAS_CHARGEBACK = sa.text(
    """
    SELECT EXISTS (
        SELECT FROM callback
        WHERE enterprise_id = :enterprise_id AND kind = 'payment_return' AND subject_id = :attempt_id
          AND state = 'applied' AND body ->> 'kind' <> 'reversal'
    )
    """
)

_OPEN = sa.text(
    """
    SELECT state, subject_id, body FROM callback
    WHERE enterprise_id = :enterprise_id AND kind = :kind AND callback_id = :callback_id
    FOR UPDATE
    """
)

_RESOLVE = sa.text(
    """
    UPDATE callback
    SET state = 'resolved', resolution = :resolution, resolution_comment = :comment, resolved_by = :user,
        resolve_time = :now
    WHERE enterprise_id = :enterprise_id AND kind = :kind AND callback_id = :callback_id
    """
)


def keep(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, rows: Sequence[Kept], now: datetime
) -> frozenset[str]:
    """Keep callbacks; give the ids of those that are new."""
    if not rows:
        return frozenset()
    return frozenset(row[0] for row in rows_of(connection, _KEEP, _columns(enterprise_id, kind, rows, now)))


def keep_contradictions(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, rows: Sequence[Kept], fit: Fit, now: datetime
) -> None:
    """Keep those of the callbacks that say something else than the one that came first under their id."""
    if not rows:
        return
    parameters = {**_columns(enterprise_id, kind, rows, now), "reason": fit.reason}
    if connection.execute(_KEEP_CONTRADICTIONS, parameters).rowcount:
        # Nothing of them is applied next, so no later transaction waits for the disk on their behalf.
        connection.execute(_WAIT)


def _columns(enterprise_id: UUID, kind: CallbackKind, rows: Sequence[Kept], now: datetime) -> dict[str, Any]:
    return {
        "enterprise_id": enterprise_id,
        "kind": kind.value,
        "now": now,
        "ids": [row.callback_id for row in rows],
        "subjects": [row.subject_id for row in rows],
        "bodies": [_JSON.encode(row.body) for row in rows],
        "correlations": [row.correlation for row in rows],
    }


def need_not_wait(connection: sa.Connection) -> None:
    """Let a transaction commit without waiting for the disk: one that follows at once waits for both."""
    rows_of(connection, _NEED_NOT_WAIT, {})


def lock_received(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, ids: Sequence[str]
) -> Sequence[str]:
    """Lock those of the callbacks that aren't applied yet, in the order of their ids."""
    parameters = {"enterprise_id": enterprise_id, "kind": kind.value, "ids": list(ids)}
    return connection.scalars(_LOCK_RECEIVED, parameters).all()


def claim(connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, ids: Sequence[str]) -> Sequence[str]:
    """Write that those of the callbacks are applied that weren't yet, which most will be; give their ids in order.

    What turns out not to fit is noted afterwards, in the same transaction.
    """
    parameters = {"enterprise_id": enterprise_id, "kind": kind.value, "ids": list(ids)}
    return sorted(row[0] for row in rows_of(connection, _CLAIM, parameters))


def bodies(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, ids: Sequence[str]
) -> Mapping[str, dict[str, Any]]:
    """Read what callbacks say."""
    if not ids:
        return {}
    rows = connection.execute(_BODIES, {"enterprise_id": enterprise_id, "kind": kind.value, "ids": list(ids)})
    return {row.callback_id: row.body for row in rows}


def note(connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, fits: Mapping[str, Fit]) -> None:
    """Write what became of callbacks."""
    if not fits:
        return
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


def match_again(connection: sa.Connection, limit: int) -> int:
    """Let unmatched callbacks of all enterprises be applied whose subject is there now; give how many."""
    return int(connection.execute(_MATCH_AGAIN, {"limit": limit}).rowcount)


def receive_waiting(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, subject_ids: Collection[UUID]
) -> Sequence[str]:
    """Let unmatched callbacks about something be applied; give their ids."""
    if not subject_ids:
        return ()
    parameters = {"enterprise_id": enterprise_id, "kind": kind.value, "ids": list(subject_ids)}
    return sorted(row[0] for row in rows_of(connection, _RECEIVE_WAITING, parameters))


def units_of_attempts(connection: sa.Connection, enterprise_id: UUID, ids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """Read whose attempts these are."""
    parameters = {"enterprise_id": enterprise_id, "ids": list(ids)}
    return {row[0]: row[1] for row in rows_of(connection, _UNITS_OF_ATTEMPTS, parameters)} if ids else {}


def has_chargeback(connection: sa.Connection, enterprise_id: UUID, attempt_id: UUID) -> bool:
    """Tell whether a return or a chargeback of an attempt was handed over."""
    parameters = {"enterprise_id": enterprise_id, "attempt_id": attempt_id}
    return bool(connection.scalar(_HAS_CHARGEBACK, parameters))


def lock_one(
    connection: sa.Connection, enterprise_id: UUID, kind: CallbackKind, callback_id: str
) -> tuple[CallbackState, UUID | None, dict[str, Any]] | None:
    """Lock a callback; give its state, what it is about and what it says."""
    parameters = {"enterprise_id": enterprise_id, "kind": kind.value, "callback_id": callback_id}
    row = connection.execute(_OPEN, parameters).one_or_none()
    return (CallbackState(row.state), row.subject_id, row.body) if row is not None else None


def resolve(
    connection: sa.Connection,
    enterprise_id: UUID,
    kind: CallbackKind,
    callback_id: str,
    resolution: Resolution,
    comment: str,
    user: str,
    now: datetime,
) -> None:
    """Write what a person made of a callback."""
    connection.execute(
        _RESOLVE,
        {
            "enterprise_id": enterprise_id,
            "kind": kind.value,
            "callback_id": callback_id,
            "resolution": resolution.value,
            "comment": comment,
            "user": user,
            "now": now,
        },
    )
