"""Table of agreement rules."""

import sqlalchemy as sa

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.catalogue.store import Shelf, entry_table

TABLES = sa.MetaData()

agreement_rules = entry_table(
    "agreement_rules",
    TABLES,
    sa.Column("sale_past_days", sa.Integer),
    sa.Column("sale_future_days", sa.Integer),
    sa.Column("cancellation_past_days", sa.Integer),
    sa.Column("cancellation_future_days", sa.Integer),
    sa.Column("suspension_future_days", sa.Integer),
    sa.Column("suspension_days_max", sa.Integer),
    sa.Column("renewal_before_days", sa.Integer),
    sa.Column("renewal_after_days", sa.Integer),
)

AGREEMENT_RULES = Shelf("agreement rules", AgreementRules, agreement_rules)
