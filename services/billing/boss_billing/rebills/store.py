"""The table of rebill schedules, and what is known of a source's earlier payments."""

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.rebills.rules import RebillSchedule

TABLES = sa.MetaData()

rebill_schedule = sa.Table(
    "rebill_schedule",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("level_id", PG_UUID, primary_key=True),
    sa.Column("tender", sa.Text, primary_key=True),
    sa.Column("after_days", sa.ARRAY(sa.Integer), nullable=False),
    sa.Column("is_smart", sa.Boolean, nullable=False),
    sa.Column("paydays", sa.ARRAY(sa.Integer), nullable=False),
)

_PAID_DAYS = sa.text(
    """
    SELECT funding_source_id, array_agg(business_date ORDER BY business_date DESC)
    FROM (
        SELECT funding_source_id, business_date,
               row_number() OVER (PARTITION BY funding_source_id ORDER BY business_date DESC, id) AS place
        FROM attempt
        WHERE enterprise_id = :enterprise_id AND funding_source_id = ANY(:ids) AND state = 'approved'
          AND business_date > :since
    ) AS paid
    WHERE place <= :limit
    GROUP BY funding_source_id
    """
)


def schedules_of(connection: sa.Connection, enterprise_id: UUID) -> Mapping[tuple[UUID, str], RebillSchedule]:
    """Read all schedules of an enterprise, by level and tender."""
    rows = connection.execute(sa.select(rebill_schedule).where(rebill_schedule.c.enterprise_id == enterprise_id))
    return {
        (row.level_id, row.tender): RebillSchedule(tuple(row.after_days), row.is_smart, tuple(row.paydays))
        for row in rows
    }


def save(connection: sa.Connection, enterprise_id: UUID, level_id: UUID, tender: str, schedule: RebillSchedule) -> None:
    """Write a level's schedule."""
    values = {
        "after_days": list(schedule.after_days),
        "is_smart": schedule.is_smart,
        "paydays": list(schedule.paydays),
    }
    statement = insert(rebill_schedule).values(enterprise_id=enterprise_id, level_id=level_id, tender=tender, **values)
    key = ["enterprise_id", "level_id", "tender"]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values))


def delete(connection: sa.Connection, enterprise_id: UUID, level_id: UUID, tender: str) -> None:
    """Let a level take the next one's schedule."""
    mine = (
        rebill_schedule.c.enterprise_id == enterprise_id,
        rebill_schedule.c.level_id == level_id,
        rebill_schedule.c.tender == tender,
    )
    connection.execute(sa.delete(rebill_schedule).where(*mine))


def paid_days(
    connection: sa.Connection, enterprise_id: UUID, source_ids: Collection[UUID], since: date, limit: int
) -> Mapping[UUID, list[date]]:
    """Read the last days on which sources' payments went through."""
    if not source_ids:
        return {}
    parameters = {"enterprise_id": enterprise_id, "ids": list(source_ids), "since": since, "limit": limit}
    return {row[0]: list(row[1]) for row in connection.execute(_PAID_DAYS, parameters)}
