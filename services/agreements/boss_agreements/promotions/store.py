"""Table of promotions."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table, ids
from boss_agreements.promotions.rules import Promotion

TABLES = sa.MetaData()

promotion = entry_table(
    "promotion",
    TABLES,
    sa.Column("start_date", sa.Date, nullable=False),
    sa.Column("end_date", sa.Date),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("percent", sa.Numeric(7, 4), nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("item_ids", ids(), nullable=False),
    sa.Column("definition_ids", ids(), nullable=False),
    sa.Column("code", sa.Text, nullable=False),
)

PROMOTIONS = Shelf("promotion", Promotion, promotion)
