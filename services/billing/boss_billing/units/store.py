"""Tables and SQL of business units and their billing settings."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from boss_billing.units.rules import DEFAULTS, BillingSettings, Unit

TABLES = sa.MetaData()

business_unit = sa.Table(
    "business_unit",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("division_id", PG_UUID),
)

billing_settings = sa.Table(
    "billing_settings",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("card_updater", sa.Boolean, nullable=False),
    sa.Column("rebill_after_days", sa.Integer, nullable=False),
    sa.Column("rebill_attempts_max", sa.Integer, nullable=False),
    sa.Column("updater_days_before", sa.Integer, nullable=False),
)

_WITH_SETTINGS = sa.select(
    business_unit,
    *[column for column in billing_settings.c if column.name not in ("enterprise_id", "business_unit_id")],
).select_from(
    business_unit.outerjoin(
        billing_settings,
        sa.and_(
            billing_settings.c.enterprise_id == business_unit.c.enterprise_id,
            billing_settings.c.business_unit_id == business_unit.c.id,
        ),
    )
)


def save_units(connection: sa.Connection, units: Sequence[Unit]) -> None:
    """Write units as agreements tells them."""
    rows = [
        {
            "enterprise_id": unit.enterprise_id,
            "id": unit.id,
            "display_name": unit.display_name,
            "time_zone": unit.time_zone,
            "currency": unit.currency,
            "division_id": unit.division_id,
        }
        for unit in units
    ]
    statement = insert(business_unit).values(rows)
    told = {name: statement.excluded[name] for name in ("display_name", "time_zone", "currency", "division_id")}
    connection.execute(statement.on_conflict_do_update(index_elements=["enterprise_id", "id"], set_=told))


def units_of(connection: sa.Connection, enterprise_id: UUID) -> Mapping[UUID, Unit]:
    """Read all units of an enterprise, by name."""
    query = _WITH_SETTINGS.where(business_unit.c.enterprise_id == enterprise_id)
    rows = connection.execute(query.order_by(business_unit.c.display_name, business_unit.c.id)).all()
    return {row.id: _unit(row) for row in rows}


def find_unit(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> Unit | None:
    """Read one unit."""
    query = _WITH_SETTINGS.where(business_unit.c.enterprise_id == enterprise_id, business_unit.c.id == unit_id)
    row = connection.execute(query).one_or_none()
    return _unit(row) if row else None


def save_settings(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, settings: BillingSettings) -> None:
    """Write how a unit bills."""
    values = {
        "card_updater": settings.card_updater,
        "rebill_after_days": settings.rebill_after_days,
        "rebill_attempts_max": settings.rebill_attempts_max,
        "updater_days_before": settings.updater_days_before,
    }
    statement = insert(billing_settings).values(enterprise_id=enterprise_id, business_unit_id=unit_id, **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["enterprise_id", "business_unit_id"], set_=values)
    )


def enterprises(connection: sa.Connection) -> Sequence[UUID]:
    """Read the enterprises that have a unit."""
    return connection.scalars(sa.select(business_unit.c.enterprise_id).distinct()).all()


def has_units(connection: sa.Connection, enterprise_id: UUID) -> bool:
    """Tell whether an enterprise has a unit."""
    return bool(connection.scalar(sa.select(sa.exists().where(business_unit.c.enterprise_id == enterprise_id))))


def _unit(row: "sa.Row[Any]") -> Unit:
    settings = DEFAULTS
    if row.card_updater is not None:
        settings = BillingSettings(
            row.card_updater, row.rebill_after_days, row.rebill_attempts_max, row.updater_days_before
        )
    has_settings = row.card_updater is not None
    return Unit(
        row.enterprise_id,
        row.id,
        row.display_name,
        row.time_zone,
        row.currency,
        settings,
        row.division_id,
        has_settings,
    )
