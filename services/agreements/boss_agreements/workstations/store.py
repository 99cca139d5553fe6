"""Table of workstations."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.workstations.rules import Workstation

TABLES = sa.MetaData()

workstation = entry_table("workstation", TABLES, sa.Column("location_id", PG_UUID, nullable=False))

WORKSTATIONS = Shelf("workstation", Workstation, workstation)
