"""Table of divisions."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.divisions.rules import Division

TABLES = sa.MetaData()

division = entry_table("division", TABLES)

DIVISIONS = Shelf("division", Division, division)
