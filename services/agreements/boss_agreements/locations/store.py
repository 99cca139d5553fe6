"""Table of locations."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table, texts
from boss_agreements.locations.rules import Location

TABLES = sa.MetaData()

location = entry_table(
    "location",
    TABLES,
    sa.Column("address_lines", texts(), nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
)

LOCATIONS = Shelf("location", Location, location)
