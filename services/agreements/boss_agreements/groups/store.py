"""Table of agreement groups."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.groups.rules import AgreementGroup

TABLES = sa.MetaData()

agreement_group = entry_table(
    "agreement_group",
    TABLES,
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("add_ons_allowed", sa.Boolean, nullable=False),
    sa.Column("add_ons_max", sa.Integer),
    sa.Column("on_suspension", sa.Text, nullable=False),
    sa.Column("on_expiry", sa.Text, nullable=False),
    sa.Column("on_batch_cancel", sa.Text, nullable=False),
    sa.Column("payer", sa.Text, nullable=False),
    sa.Column("primary_percent", sa.Integer, nullable=False),
)

GROUPS = Shelf("agreement group", AgreementGroup, agreement_group)
