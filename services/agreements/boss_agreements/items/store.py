"""Tables and SQL of items and of what units charge for the enterprise's."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.catalogue.store import Shelf, entry_table, texts
from boss_agreements.items.rules import Item, UnitPrice
from boss_kit.money import Money

TABLES = sa.MetaData()

item = entry_table(
    "item",
    TABLES,
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("units", sa.Integer),
    sa.Column("validity_days", sa.Integer),
    sa.Column("term_months", sa.Integer),
    sa.Column("price_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("taxes", texts(), nullable=False),
    sa.Column("category", sa.Text, nullable=False),
)

item_unit_price = sa.Table(
    "item_unit_price",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, primary_key=True),
    sa.Column("item_id", PG_UUID, primary_key=True),
    sa.Column("price_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
)

ITEMS = Shelf("item", Item, item)
_KEY = ("enterprise_id", "business_unit_id", "item_id")


def save_unit_price(connection: sa.Connection, one: UnitPrice) -> None:
    """Write what a unit charges for an item, or that it charges the item's own price."""
    key = dict(zip(_KEY, (one.item.enterprise_id, one.business_unit_id, one.item.id), strict=True))
    if one.price is None:
        mine = sa.and_(*(item_unit_price.c[name] == value for name, value in key.items()))
        connection.execute(sa.delete(item_unit_price).where(mine))
        return
    values = {"price_minor": one.price.amount_minor, "currency": one.price.currency}
    statement = insert(item_unit_price).values(key | values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=values))


def unit_prices(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, item_ids: Collection[UUID]
) -> Mapping[UUID, Money]:
    """Read what a unit charges for some items, where it isn't the item's own price."""
    table = item_unit_price.c
    query = sa.select(table.item_id, table.price_minor, table.currency).where(
        table.enterprise_id == enterprise_id,
        table.business_unit_id == unit_id,
        table.item_id == sa.any_(sa.cast(list(item_ids), ARRAY(PG_UUID))),
    )
    return {row.item_id: Money(row.price_minor, row.currency) for row in connection.execute(query)}


def unit_prices_page(
    connection: sa.Connection, enterprise_id: UUID, unit_id: UUID, after: tuple[str, UUID] | None, limit: int
) -> Sequence[UnitPrice]:
    """Read what a unit charges for items of the enterprise after a name and id, by name."""
    mine = sa.select(item_unit_price.c.item_id).where(
        item_unit_price.c.enterprise_id == enterprise_id, item_unit_price.c.business_unit_id == unit_id
    )
    query = sa.select(item).where(item.c.enterprise_id == enterprise_id, item.c.id.in_(mine))
    if after is not None:
        query = query.where(sa.tuple_(item.c.name, item.c.id) > sa.tuple_(*map(sa.literal, after)))
    found = ITEMS.read(connection, query.order_by(item.c.name, item.c.id).limit(limit))
    prices = unit_prices(connection, enterprise_id, unit_id, [one.id for one in found])
    return [UnitPrice(unit_id, one, prices[one.id]) for one in found]
