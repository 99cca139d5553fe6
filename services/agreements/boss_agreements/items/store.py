"""Table of items."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table, texts
from boss_agreements.items.rules import Item

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

ITEMS = Shelf("item", Item, item)
