"""The decline table and the attempt limits: an enterprise's own rows, else those for all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.declines.rules import AttemptLimit, Class, Code, DeclineTable, Per, Timing
from boss_kit.database import rows_of

EVERY_ENTERPRISE = UUID(int=0)
TABLES = sa.MetaData()

decline_code = sa.Table(
    "decline_code",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("class", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("is_tried", sa.Boolean, nullable=False),
    sa.Column("is_updatable", sa.Boolean, nullable=False),
    sa.Column("rebill", sa.Boolean, nullable=False),
    sa.Column("invalidate_after", sa.Integer, nullable=False),
    sa.Column("invalidate_months", sa.Integer, nullable=False),
    sa.Column("fee_minor", sa.BigInteger, nullable=False),
    sa.Column("arm_entry", sa.Boolean, nullable=False),
    sa.Column("alert", sa.Boolean, nullable=False),
    sa.Column("timing", sa.Text, nullable=False),
)

attempt_limit = sa.Table(
    "attempt_limit",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("tender", sa.Text, primary_key=True),
    sa.Column("per", sa.Text, primary_key=True),
    sa.Column("attempts_max", sa.Integer, nullable=False),
    sa.Column("window_days", sa.Integer, primary_key=True),
    sa.Column("note", sa.Text, nullable=False),
)

decline_alert = sa.Table(
    "decline_alert",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("payment_id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("resolved_by", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("resolve_time", sa.DateTime(timezone=True)),
)

_CODES = sa.text(
    """
    SELECT DISTINCT ON (code) code, class AS response_class, message, is_tried, is_updatable, rebill, invalidate_after,
           invalidate_months, arm_entry, fee_minor, alert, timing
    FROM decline_code
    WHERE enterprise_id IN (:every_enterprise, :enterprise_id)
    ORDER BY code, enterprise_id DESC
    """
)

_LIMITS = sa.text(
    """
    SELECT DISTINCT ON (tender, per, window_days) tender, per, attempts_max, window_days,
           enterprise_id <> :every_enterprise AS is_own
    FROM attempt_limit
    WHERE enterprise_id IN (:every_enterprise, :enterprise_id)
    ORDER BY tender, per, window_days, enterprise_id DESC
    """
)


def codes(connection: sa.Connection, enterprise_id: UUID) -> Mapping[str, Code]:
    """Read the decline table of an enterprise, by code."""
    rows = rows_of(connection, _CODES, {"every_enterprise": EVERY_ENTERPRISE, "enterprise_id": enterprise_id})
    return {row[0]: _code(row) for row in rows}


def decline_table(connection: sa.Connection, enterprise_id: UUID) -> DeclineTable:
    """Read the decline table of an enterprise, to look codes up in."""
    return DeclineTable(codes(connection, enterprise_id).values())


def save_code(connection: sa.Connection, enterprise_id: UUID, one: Code) -> None:
    """Write an enterprise's own row."""
    values = {
        "class": one.response_class,
        "message": one.message,
        "is_tried": one.is_tried,
        "is_updatable": one.is_updatable,
        "rebill": one.rebill,
        "invalidate_after": one.invalidate_after,
        "invalidate_months": one.invalidate_months,
        "fee_minor": one.fee_minor,
        "arm_entry": one.arm_entry,
        "alert": one.alert,
        "timing": one.timing,
    }
    statement = insert(decline_code).values(enterprise_id=enterprise_id, code=one.code, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["enterprise_id", "code"], set_=values))


def save_limit(connection: sa.Connection, enterprise_id: UUID, limit: AttemptLimit) -> None:
    """Write an enterprise's own limit."""
    key = {"tender": limit.tender, "per": limit.per, "window_days": limit.window_days}
    values = {"attempts_max": limit.attempts_max, "note": "the enterprise's own"}
    statement = insert(attempt_limit).values(enterprise_id=enterprise_id, **key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["enterprise_id", *key], set_=values))


def delete_limit(connection: sa.Connection, enterprise_id: UUID, tender: str, per: Per, window_days: int) -> bool:
    """Delete an enterprise's own limit; tell whether there was one."""
    mine = (
        attempt_limit.c.enterprise_id == enterprise_id,
        attempt_limit.c.tender == tender,
        attempt_limit.c.per == per,
        attempt_limit.c.window_days == window_days,
    )
    return connection.execute(sa.delete(attempt_limit).where(*mine)).rowcount > 0


def add_alerts(connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add alerts to staff, one per payment."""
    if rows:
        connection.execute(insert(decline_alert).on_conflict_do_nothing(), list(rows))


def resolve_alert(
    connection: sa.Connection, enterprise_id: UUID, payment_id: UUID, resolved_by: str, comment: str, now: datetime
) -> bool:
    """Write who dealt with an alert; tell whether there is one."""
    mine = (decline_alert.c.enterprise_id == enterprise_id, decline_alert.c.payment_id == payment_id)
    values = {"resolved_by": resolved_by, "comment": comment, "resolve_time": now}
    return connection.execute(sa.update(decline_alert).where(*mine).values(values)).rowcount > 0


def attempt_limits(connection: sa.Connection, enterprise_id: UUID) -> Sequence[AttemptLimit]:
    """Read the attempt limits of an enterprise."""
    rows = connection.execute(_LIMITS, {"every_enterprise": EVERY_ENTERPRISE, "enterprise_id": enterprise_id})
    return [AttemptLimit(row.tender, Per(row.per), row.attempts_max, row.window_days, row.is_own) for row in rows]


def _code(row: Sequence[Any]) -> Code:
    # The columns come in the order of the fields.
    code, response_class, *more, timing = row
    return Code(*[code, Class(response_class), *more, Timing(timing)])
