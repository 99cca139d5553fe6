"""Tables and SQL of enterprises and business units."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.organization.rules import BusinessUnit, Enterprise

TABLES = sa.MetaData()

enterprise = sa.Table(
    "enterprise",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
)

business_unit = sa.Table(
    "business_unit",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, sa.ForeignKey(enterprise.c.enterprise_id), primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("division_id", PG_UUID),
    sa.UniqueConstraint("enterprise_id", "external_id"),
)


def add_enterprise(connection: sa.Connection, new: Enterprise) -> bool:
    """Add an enterprise; tell whether its id was free."""
    values = {"enterprise_id": new.id, "display_name": new.display_name, "create_time": new.create_time}
    statement = insert(enterprise).values(values).on_conflict_do_nothing().returning(enterprise.c.enterprise_id)
    return connection.scalar(statement) is not None


def find_enterprise(connection: sa.Connection, enterprise_id: UUID) -> Enterprise | None:
    """Read an enterprise."""
    return _enterprise(connection, sa.select(enterprise).where(enterprise.c.enterprise_id == enterprise_id))


def lock_enterprise(connection: sa.Connection, enterprise_id: UUID) -> Enterprise | None:
    """Read an enterprise and keep others from changing it."""
    query = sa.select(enterprise).where(enterprise.c.enterprise_id == enterprise_id)
    return _enterprise(connection, query.with_for_update(key_share=True))


def save_enterprise(connection: sa.Connection, changed: Enterprise) -> None:
    """Write what of an enterprise may change."""
    values = {"display_name": changed.display_name, "version": changed.version}
    connection.execute(sa.update(enterprise).where(enterprise.c.enterprise_id == changed.id).values(values))


def enterprise_ids(connection: sa.Connection) -> Sequence[UUID]:
    """Read the ids of all enterprises."""
    return connection.scalars(sa.select(enterprise.c.enterprise_id).order_by(enterprise.c.enterprise_id)).all()


def add_unit(connection: sa.Connection, unit: BusinessUnit) -> bool:
    """Add a business unit; tell whether its external id was free."""
    values = {column.name: getattr(unit, column.name) for column in business_unit.columns}
    statement = insert(business_unit).values(values).on_conflict_do_nothing().returning(business_unit.c.id)
    return connection.scalar(statement) is not None


def find_unit(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> BusinessUnit | None:
    """Read a business unit."""
    query = sa.select(business_unit).where(
        business_unit.c.enterprise_id == enterprise_id, business_unit.c.id == unit_id
    )
    row = connection.execute(query).one_or_none()
    return _unit(row) if row else None


def hold_unit(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> BusinessUnit | None:
    """Read a business unit and keep its bill dates from being closed meanwhile; others may hold it, too."""
    query = sa.select(business_unit).where(
        business_unit.c.enterprise_id == enterprise_id, business_unit.c.id == unit_id
    )
    row = connection.execute(query.with_for_update(read=True)).one_or_none()
    return _unit(row) if row else None


def lock_unit(connection: sa.Connection, enterprise_id: UUID, unit_id: UUID) -> BusinessUnit | None:
    """Read a business unit and wait for all who hold it."""
    query = sa.select(business_unit).where(
        business_unit.c.enterprise_id == enterprise_id, business_unit.c.id == unit_id
    )
    row = connection.execute(query.with_for_update()).one_or_none()
    return _unit(row) if row else None


def lock_units(connection: sa.Connection, enterprise_id: UUID, unit_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Wait for all who hold any of these units; tell which there are."""
    query = sa.select(business_unit.c.id).where(
        business_unit.c.enterprise_id == enterprise_id,
        business_unit.c.id == sa.any_(sa.cast(list(unit_ids), ARRAY(PG_UUID))),
    )
    return frozenset(connection.scalars(query.order_by(business_unit.c.id).with_for_update()))


def units_of(connection: sa.Connection, enterprise_id: UUID) -> Sequence[BusinessUnit]:
    """Read all units of an enterprise, by external id."""
    query = sa.select(business_unit).where(business_unit.c.enterprise_id == enterprise_id)
    return [_unit(row) for row in connection.execute(query.order_by(business_unit.c.external_id))]


def save_unit(connection: sa.Connection, unit: BusinessUnit) -> None:
    """Write what of a unit may change."""
    mine = sa.and_(business_unit.c.enterprise_id == unit.enterprise_id, business_unit.c.id == unit.id)
    values = {name: getattr(unit, name) for name in ("display_name", "time_zone", "division_id", "version")}
    connection.execute(sa.update(business_unit).where(mine).values(values))


def touch_units(
    connection: sa.Connection, enterprise_id: UUID, *, division_id: UUID | None, unit_id: UUID | None
) -> Sequence[BusinessUnit]:
    """Give a unit, the units of a division or those of an enterprise a new version: something above them changed."""
    statement = sa.update(business_unit).where(business_unit.c.enterprise_id == enterprise_id)
    if unit_id is not None:
        statement = statement.where(business_unit.c.id == unit_id)
    elif division_id is not None:
        statement = statement.where(business_unit.c.division_id == division_id)
    changed = statement.values(version=business_unit.c.version + 1).returning(business_unit)
    return sorted(map(_unit, connection.execute(changed)), key=lambda unit: unit.external_id)


def units_page(
    connection: sa.Connection, enterprise_id: UUID, division_id: UUID | None, after: str, limit: int
) -> Sequence[BusinessUnit]:
    """Read the units of an enterprise, or of a division, after an external id."""
    query = sa.select(business_unit).where(
        business_unit.c.enterprise_id == enterprise_id, business_unit.c.external_id > after
    )
    if division_id is not None:
        query = query.where(business_unit.c.division_id == division_id)
    return [_unit(row) for row in connection.execute(query.order_by(business_unit.c.external_id).limit(limit))]


def _enterprise(connection: sa.Connection, query: "sa.Select[Any]") -> Enterprise | None:
    row = connection.execute(query).one_or_none()
    return Enterprise(row.enterprise_id, row.display_name, row.create_time, row.version) if row else None


def _unit(row: "sa.Row[Any]") -> BusinessUnit:
    return BusinessUnit(
        row.id,
        row.enterprise_id,
        row.external_id,
        row.display_name,
        row.time_zone,
        row.currency,
        row.version,
        row.create_time,
        row.division_id,
    )
