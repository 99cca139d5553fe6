"""Table and SQL of taxes."""

from collections.abc import Collection, Mapping
from uuid import UUID

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.taxes.rules import TaxRate

TABLES = sa.MetaData()

tax = entry_table("tax", TABLES, sa.Column("percent", sa.Numeric(7, 4), nullable=False))

TAXES = Shelf("tax", TaxRate, tax)


def rates(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, names: Collection[str]
) -> Mapping[str, TaxRate]:
    """Read the active taxes of these names in a unit; its own rate goes before the enterprise's."""
    query = (
        sa.select(tax)
        .where(
            tax.c.enterprise_id == enterprise_id,
            sa.or_(tax.c.business_unit_id.is_(None), tax.c.business_unit_id == unit_id),
            tax.c.active,
            tax.c.name.in_(names),
        )
        .order_by(tax.c.business_unit_id.is_not(None))
    )
    return {one.name: one for one in TAXES.read(connection, query)}
