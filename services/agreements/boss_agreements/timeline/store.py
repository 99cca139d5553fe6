"""The story of accounts, as this service saw it; insert only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_kit.database import copy_rows
from boss_kit.unit_of_work import Transaction

TABLES = sa.MetaData()

timeline_entry = sa.Table(
    "timeline_entry",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("account_id", PG_UUID, primary_key=True),
    sa.Column("business_date", sa.Date, primary_key=True),
    sa.Column("create_time", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
)

COPY_FROM_ROWS = 50


class Entry(NamedTuple):
    """One line of an account's story."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    business_date: date
    kind: str
    text: str
    subject: str
    correlation: str
    create_time: datetime


_COLUMNS = Entry._fields


@dataclass(frozen=True)
class StoredEntry:
    """A line as it is read back."""

    id: int
    entry: Entry


def tell(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Add lines to accounts' stories."""
    if len(entries) >= COPY_FROM_ROWS:
        copy_rows(tx.connection, timeline_entry, _COLUMNS, entries)
    elif entries:
        tx.connection.execute(sa.insert(timeline_entry), [entry._asdict() for entry in entries])


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    account_id: UUID,
    after: tuple[date, datetime, int] | None,
    limit: int,
) -> Sequence[StoredEntry]:
    """Read an account's lines in order."""
    columns = timeline_entry.c
    query = sa.select(timeline_entry).where(
        columns.enterprise_id == enterprise_id, columns.business_unit_id == unit_id, columns.account_id == account_id
    )
    if after is not None:
        query = query.where(sa.tuple_(columns.business_date, columns.create_time, columns.id) > sa.tuple_(*after))
    rows = connection.execute(query.order_by(columns.business_date, columns.create_time, columns.id).limit(limit))
    return [StoredEntry(row.id, Entry(**{name: getattr(row, name) for name in _COLUMNS})) for row in rows]
