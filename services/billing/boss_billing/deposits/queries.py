"""Read deposits, statements and sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_billing.deposits import store
from boss_billing.deposits.source import DepositSource
from boss_billing.units.queries import check_unit
from boss_kit.errors import NotFound
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class DepositFilter:
    """Which deposits."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    first: date | None
    last: date | None
    batch_number: int
    statement: str = ""
    source: str = ""


def get_source(tx: Transaction, enterprise_id: UUID, name: str) -> DepositSource:
    """Read how a source writes its statements. Raises NotFound, naming the sources there are."""
    known = {source.name: source for source in store.sources_of(tx.connection, enterprise_id)}
    if name not in known:
        raise NotFound(
            "DEPOSIT_SOURCE_NOT_FOUND",
            f"Nobody described a source {name!r}; there are {', '.join(known)}. Describe it with UpdateDepositSource.",
            metadata={"source": name},
        )
    return known[name]


def list_sources(tx: Transaction, enterprise_id: UUID) -> Sequence[DepositSource]:
    """Read all sources an enterprise knows."""
    return store.sources_of(tx.connection, enterprise_id)


def list_deposits(tx: Transaction, wanted: DepositFilter, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of deposits by day, and the next page's token. Raises NotFound for a unit there isn't."""
    check_unit(tx, wanted.enterprise_id, wanted.business_unit_id)
    table = store.deposit
    query = sa.select(table).where(table.c.enterprise_id == wanted.enterprise_id)
    if wanted.business_unit_id is not None:
        query = query.where(table.c.business_unit_id == wanted.business_unit_id)
    if wanted.first is not None:
        query = query.where(table.c.deposit_date >= wanted.first)
    if wanted.last is not None:
        query = query.where(table.c.deposit_date <= wanted.last)
    if wanted.batch_number:
        query = query.where(table.c.batch_number == wanted.batch_number)
    if wanted.statement:
        query = query.where(table.c.statement == wanted.statement)
    if wanted.source:
        query = query.where(table.c.source == wanted.source)
    if after := page.key(date.fromisoformat, UUID):
        query = query.where(sa.tuple_(table.c.deposit_date, table.c.id) > sa.tuple_(*map(sa.literal, after)))
    rows = tx.connection.execute(query.order_by(table.c.deposit_date, table.c.id).limit(page.limit)).all()
    return page.cut(rows, lambda row: (row.deposit_date, row.id))


def list_statements(tx: Transaction, enterprise_id: UUID, page: Page) -> tuple[Sequence["sa.Row[Any]"], str]:
    """Read a page of statements, the latest first, and the next page's token."""
    table = store.deposit_statement
    query = sa.select(table).where(table.c.enterprise_id == enterprise_id)
    if after := page.key(UUID):
        query = query.where(table.c.id < after[0])
    rows = tx.connection.execute(query.order_by(table.c.id.desc()).limit(page.limit)).all()
    return page.cut(rows, lambda row: (row.id,))
