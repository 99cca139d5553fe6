"""Table of work roles."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.work_roles.rules import WorkRole

TABLES = sa.MetaData()

work_role = entry_table("work_role", TABLES)

WORK_ROLES = Shelf("work role", WorkRole, work_role)
