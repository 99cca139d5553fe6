"""The table of transfers: insert only."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.ledger.rules import Transfer
from boss_kit.database import copy_rows, rows_of

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
COPY_FROM_ROWS = 50
"""From so many rows on COPY is faster; a few are written without its round trips."""

_ADD = sa.text(
    """
    INSERT INTO transfer (
        enterprise_id, business_unit_id, account_id, invoice_id, payment_id, debit, debit_detail, credit, credit_detail,
        amount_minor, currency, business_date, source, create_time, reference_id
    )
    SELECT * FROM unnest(
        CAST(:enterprise_id AS uuid[]), CAST(:business_unit_id AS uuid[]), CAST(:account_id AS uuid[]),
        CAST(:invoice_id AS uuid[]), CAST(:payment_id AS uuid[]), CAST(:debit AS text[]), CAST(:debit_detail AS text[]),
        CAST(:credit AS text[]), CAST(:credit_detail AS text[]), CAST(:amount_minor AS bigint[]),
        CAST(:currency AS text[]), CAST(:business_date AS date[]), CAST(:source AS text[]),
        CAST(:create_time AS timestamptz[]), CAST(:reference_id AS uuid[])
    )
    """
)


def add(connection: sa.Connection, transfers: Iterable[Transfer], now: datetime) -> None:
    """Add transfers."""
    rows = [_row(one, now) for one in transfers]
    if len(rows) >= COPY_FROM_ROWS:
        copy_rows(connection, transfer, _COLUMNS, rows)
    elif rows:
        rows_of(connection, _ADD, dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


def _row(one: Transfer, now: datetime) -> tuple[object, ...]:
    account = one.account
    return (
        account.enterprise_id,
        account.business_unit_id,
        account.id,
        one.invoice_id,
        one.payment_id,
        one.debit.value,
        one.debit_detail,
        one.credit.value,
        one.credit_detail,
        one.amount_minor,
        one.currency,
        one.business_date,
        one.source.value,
        now,
        one.reference_id,
    )
