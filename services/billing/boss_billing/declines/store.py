"""The decline table and the attempt limits: an enterprise's own rows, else those for all."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from boss_billing.declines.rules import AttemptLimit, Class, Code, DeclineTable, Per

EVERY_ENTERPRISE = UUID(int=0)

_CODES = sa.text(
    """
    SELECT DISTINCT ON (code) code, class, message, is_tried, is_updatable, rebill, invalidate_after,
           invalidate_months, arm_entry
    FROM decline_code
    WHERE enterprise_id IN (:every_enterprise, :enterprise_id)
    ORDER BY code, enterprise_id DESC
    """
)

_LIMITS = sa.text(
    """
    SELECT DISTINCT ON (tender, per, window_days) tender, per, attempts_max, window_days
    FROM attempt_limit
    WHERE enterprise_id IN (:every_enterprise, :enterprise_id)
    ORDER BY tender, per, window_days, enterprise_id DESC
    """
)


def decline_table(connection: sa.Connection, enterprise_id: UUID) -> DeclineTable:
    """Read the decline table of an enterprise."""
    rows = connection.execute(_CODES, {"every_enterprise": EVERY_ENTERPRISE, "enterprise_id": enterprise_id})
    return DeclineTable(Code(row[0], Class(row[1]), *row[2:]) for row in rows)


def attempt_limits(connection: sa.Connection, enterprise_id: UUID) -> Sequence[AttemptLimit]:
    """Read the attempt limits of an enterprise."""
    rows = connection.execute(_LIMITS, {"every_enterprise": EVERY_ENTERPRISE, "enterprise_id": enterprise_id})
    return [AttemptLimit(row.tender, Per(row.per), row.attempts_max, row.window_days) for row in rows]
