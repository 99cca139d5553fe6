"""Tables and SQL of schedules."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_arm.configuration.store import template
from boss_arm.debtors.store import ids
from boss_arm.schedules.rules import Line, Schedule

METADATA = sa.MetaData()

schedule = sa.Table(
    "schedule",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

schedule_line = sa.Table(
    "schedule_line",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("schedule_id", sa.Uuid, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("template_id", sa.Uuid, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("day_offset", sa.Integer, nullable=False),
    sa.Column("past_due_min_minor", sa.BigInteger),
    sa.Column("past_due_max_minor", sa.BigInteger),
    sa.Column("active", sa.Boolean, nullable=False),
)

_OWN = ("id", "position", "channel", "template_id", "description", "day_offset")
_LINE_COLUMNS = (*_OWN, "past_due_min_minor", "past_due_max_minor", "active")


def lock_versions(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> int:
    """Give the newest version's number, 0 without one; until the commit nobody else makes the next one."""
    key = sa.func.hashtextextended(sa.literal(f"arm-schedule/{enterprise_id}/{unit_id}"), 0)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    newest = sa.select(sa.func.max(schedule.c.version)).where(*_of_unit(enterprise_id, unit_id))
    return connection.scalar(newest) or 0


def add_schedule(connection: sa.Connection, enterprise_id: UUID, one: Schedule) -> None:
    """Write a version and its lines."""
    owner = {"enterprise_id": enterprise_id, "business_unit_id": one.business_unit_id}
    connection.execute(sa.insert(schedule).values(**owner, id=one.id, version=one.version, create_time=one.create_time))
    rows = [
        owner | {"schedule_id": one.id} | {name: getattr(line, name) for name in _LINE_COLUMNS} for line in one.lines
    ]
    connection.execute(sa.insert(schedule_line), rows)


def current_schedules(connection: sa.Connection, enterprise_id: UUID, unit_ids: Iterable[UUID]) -> dict[UUID, Schedule]:
    """Give the schedule in force of each unit that has one."""
    newest = (
        sa.select(schedule.c.business_unit_id, sa.func.max(schedule.c.version).label("version"))
        .where(schedule.c.enterprise_id == enterprise_id, schedule.c.business_unit_id == ids(unit_ids))
        .group_by(schedule.c.business_unit_id)
        .subquery()
    )
    of_unit = schedule.c.business_unit_id == newest.c.business_unit_id
    joined = schedule.join(newest, sa.and_(of_unit, schedule.c.version == newest.c.version))
    found = sa.select(schedule.c.id).select_from(joined).where(schedule.c.enterprise_id == enterprise_id)
    return {
        one.business_unit_id: one
        for one in find_schedules(connection, enterprise_id, connection.scalars(found)).values()
    }


def find_schedules(
    connection: sa.Connection, enterprise_id: UUID, schedule_ids: Iterable[UUID]
) -> dict[UUID, Schedule]:
    """Give versions with their lines, in the order of their positions."""
    found = list(schedule_ids)
    if not found:
        return {}
    line, joined = (
        schedule_line.c,
        schedule_line.join(
            template,
            sa.and_(
                template.c.enterprise_id == schedule_line.c.enterprise_id, template.c.id == schedule_line.c.template_id
            ),
        ),
    )
    columns = [line[name] for name in _LINE_COLUMNS]
    lines: dict[UUID, list[Line]] = {schedule_id: [] for schedule_id in found}
    for row in connection.execute(
        sa.select(line.schedule_id, *columns, template.c.notification_template)
        .select_from(joined)
        .where(line.enterprise_id == enterprise_id, line.schedule_id == ids(found))
        .order_by(line.schedule_id, line.position)
    ):
        lines[row.schedule_id].append(Line(*row[1:]))
    versions = connection.execute(
        sa.select(schedule).where(schedule.c.enterprise_id == enterprise_id, schedule.c.id == ids(found))
    )
    return {row.id: _schedule(row, lines[row.id]) for row in versions}


def _schedule(row: "sa.Row[Any]", lines: Iterable[Line]) -> Schedule:
    return Schedule(row.business_unit_id, row.id, row.version, tuple(lines), row.create_time)


def _of_unit(enterprise_id: UUID, unit_id: UUID) -> "tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]":
    return schedule.c.enterprise_id == enterprise_id, schedule.c.business_unit_id == unit_id
