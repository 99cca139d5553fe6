"""The table of transfers: insert only."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.ledger.rules import Transfer
from boss_kit.database import copy_rows

TABLES = sa.MetaData()

transfer = sa.Table(
    "transfer",
    TABLES,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("enterprise_id", PG_UUID, nullable=False),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("account_id", PG_UUID, nullable=False),
    sa.Column("invoice_id", PG_UUID),
    sa.Column("payment_id", PG_UUID),
    sa.Column("debit", sa.Text, nullable=False),
    sa.Column("debit_detail", sa.Text, nullable=False),
    sa.Column("credit", sa.Text, nullable=False),
    sa.Column("credit_detail", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("reference_id", PG_UUID),
)

_COLUMNS = [column.name for column in transfer.columns if column.name != "id"]


def add(connection: sa.Connection, transfers: Iterable[Transfer], now: datetime) -> None:
    """Add transfers."""
    rows = [_row(one, now) for one in transfers]
    if rows:
        copy_rows(connection, transfer, _COLUMNS, rows)


def _row(one: Transfer, now: datetime) -> tuple[object, ...]:
    account = one.account
    return (
        account.enterprise_id,
        account.business_unit_id,
        account.id,
        one.invoice_id,
        one.payment_id,
        one.debit,
        one.debit_detail,
        one.credit,
        one.credit_detail,
        one.amount_minor,
        one.currency,
        one.business_date,
        one.source,
        now,
        one.reference_id,
    )
