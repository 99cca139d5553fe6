"""Table of classifications."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.classifications.rules import Classification

TABLES = sa.MetaData()

classification = entry_table("classification", TABLES)

CLASSIFICATIONS = Shelf("classification", Classification, classification)
