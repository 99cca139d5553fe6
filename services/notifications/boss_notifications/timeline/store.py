"""The story of accounts, as this service saw it; insert only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from boss_kit.database import copy_rows

METADATA = sa.MetaData()
COPY_FROM_ROWS = 50

timeline_entry = sa.Table(
    "timeline_entry",
    METADATA,
    sa.Column("enterprise_id", PgUuid, primary_key=True),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("business_unit_id", PgUuid, nullable=False),
    sa.Column("account_id", PgUuid, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)
T = timeline_entry.c
_COLUMNS = (
    *("enterprise_id", "business_unit_id", "account_id", "business_date"),
    *("kind", "text", "subject", "correlation", "create_time"),
)


@dataclass(frozen=True, slots=True)
class Entry:
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


def tell(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    """Add lines to accounts' stories."""
    rows = [tuple(getattr(entry, name) for name in _COLUMNS) for entry in entries]
    if len(rows) >= COPY_FROM_ROWS:
        copy_rows(connection, timeline_entry, _COLUMNS, rows)
    elif rows:
        connection.execute(sa.insert(timeline_entry), [dict(zip(_COLUMNS, row, strict=True)) for row in rows])


def page(
    connection: sa.Connection,
    enterprise_id: UUID,
    unit_id: UUID,
    account_id: UUID,
    after: tuple[date, datetime, int] | None,
    limit: int,
) -> "Sequence[sa.Row[Any]]":
    """Read an account's lines in order."""
    query = sa.select(timeline_entry).where(
        T.enterprise_id == enterprise_id, T.business_unit_id == unit_id, T.account_id == account_id
    )
    if after is not None:
        query = query.where(sa.tuple_(T.business_date, T.create_time, T.id) > sa.tuple_(*map(sa.literal, after)))
    return connection.execute(query.order_by(T.business_date, T.create_time, T.id).limit(limit)).all()
