"""Table of bundles."""

import sqlalchemy as sa

from boss_agreements.bundles.rules import Bundle, BundleLine
from boss_agreements.catalogue.store import Records, Shelf, entry_table

TABLES = sa.MetaData()

bundle = entry_table(
    "bundle",
    TABLES,
    sa.Column("lines", Records(BundleLine), nullable=False),
    sa.Column("billing", sa.Text, nullable=False),
    sa.Column("schedule", sa.Text, nullable=False),
    sa.Column("obligation_months", sa.Integer, nullable=False),
)

BUNDLES = Shelf("bundle", Bundle, bundle)
