"""Tables and SQL of settings and templates."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from boss_arm.configuration.rules import ArmSettings, Template

METADATA = sa.MetaData()

arm_settings = sa.Table(
    "arm_settings",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid, primary_key=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("configured", sa.Boolean, nullable=False),
    sa.Column("from_address", sa.Text, nullable=False),
    sa.Column("reply_to_address", sa.Text, nullable=False),
    sa.Column("caller_number", sa.Text, nullable=False),
    sa.Column("return_address_lines", ARRAY(sa.Text), nullable=False),
    sa.Column("send_from_hour", sa.Integer, nullable=False),
    sa.Column("send_until_hour", sa.Integer, nullable=False),
    sa.Column("no_response_days", sa.Integer, nullable=False),
    sa.Column("retry_limit", sa.Integer, nullable=False),
    sa.Column("hand_over_agency", sa.Text, nullable=False),
    sa.Column("hand_over_after_days", sa.Integer, nullable=False),
    sa.Column("cards_only", sa.Boolean, nullable=False),
)
S = arm_settings.c

template = sa.Table(
    "template",
    METADATA,
    sa.Column("enterprise_id", sa.Uuid, primary_key=True),
    sa.Column("business_unit_id", sa.Uuid),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("notification_template", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    comment="Owned by the enterprise where business_unit_id is empty.",
)
T = template.c


def find_settings(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> ArmSettings | None:
    """Give a unit's settings, if there are any."""
    query = sa.select(arm_settings).where(S.enterprise_id == enterprise_id, S.business_unit_id == unit_id)
    row = connection.execute(query).one_or_none()
    return _settings(row) if row else None


def enabled_settings(connection: sa.Connection, enterprise_id: UUID) -> dict[UUID, ArmSettings]:
    """Give the settings of the enterprise's units that are switched on, by unit."""
    rows = connection.execute(sa.select(arm_settings).where(S.enterprise_id == enterprise_id, S.enabled))
    return {row.business_unit_id: _settings(row) for row in rows}


def retry_limits(connection: sa.Connection, enterprise_id: UUID) -> dict[UUID, int]:
    """Give how often a step is tried again, by unit."""
    query = sa.select(S.business_unit_id, S.retry_limit).where(S.enterprise_id == enterprise_id)
    return {row.business_unit_id: row.retry_limit for row in connection.execute(query)}


def enabled_enterprises(connection: sa.Connection) -> Sequence[UUID]:
    """List the enterprises that have a unit switched on."""
    return connection.scalars(sa.select(S.enterprise_id).where(S.enabled).distinct().order_by(S.enterprise_id)).all()


def keep_settings(connection: sa.Connection, settings: ArmSettings) -> None:
    """Write a unit's settings."""
    statement = insert(arm_settings).values(
        **asdict(settings) | {"return_address_lines": list(settings.return_address_lines)}
    )
    changed = {column.name: statement.excluded[column.name] for column in S if not column.primary_key}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["enterprise_id", "business_unit_id"], set_=changed)
    )


def add_template(connection: sa.Connection, one: Template) -> None:
    """Write a new template."""
    connection.execute(sa.insert(template).values(**asdict(one)))


def find_templates(
    connection: sa.Connection, enterprise_id: UUID, template_ids: Iterable[UUID]
) -> dict[UUID, Template]:
    """Give templates by id."""
    any_of = sa.any_(sa.literal(list(template_ids), ARRAY(sa.Uuid)))
    rows = connection.execute(sa.select(template).where(T.enterprise_id == enterprise_id, T.id == any_of))
    return {row.id: Template(*row) for row in rows}


def has_selectable_template(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> bool:
    """Tell whether a unit has a template to choose: its own, or one from above."""
    own_or_above = sa.or_(T.business_unit_id == unit_id, T.business_unit_id.is_(None))
    return connection.scalar(sa.select(T.id).where(T.enterprise_id == enterprise_id, own_or_above).limit(1)) is not None


def list_templates(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID | None,
    *,
    selectable: bool,
    after: tuple[Any, ...] | None,
    limit: int,
) -> Sequence[Template]:
    """List the templates of a level by time; with `selectable` also those from above."""
    level = T.business_unit_id.is_(None) if unit_id is None else T.business_unit_id == unit_id
    where = sa.or_(level, T.business_unit_id.is_(None)) if selectable else level
    query = (
        sa.select(template).where(T.enterprise_id == enterprise_id, where).order_by(T.create_time, T.id).limit(limit)
    )
    if after is not None:
        key = sa.tuple_(sa.cast(after[0], sa.DateTime(timezone=True)), sa.cast(after[1], sa.Uuid))
        query = query.where(sa.tuple_(T.create_time, T.id) > key)
    return [Template(*row) for row in connection.execute(query)]


def _settings(row: "sa.Row[Any]") -> ArmSettings:
    return ArmSettings(**row._asdict() | {"return_address_lines": tuple(row.return_address_lines)})
