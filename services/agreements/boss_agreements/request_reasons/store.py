"""Table of the reasons of requests."""

import sqlalchemy as sa

from boss_agreements.catalogue.store import Shelf, entry_table
from boss_agreements.request_reasons.rules import RequestReason

TABLES = sa.MetaData()

request_reason = entry_table("request_reason", TABLES, sa.Column("use", sa.Text, nullable=False))

REQUEST_REASONS = Shelf("request reason", RequestReason, request_reason)
