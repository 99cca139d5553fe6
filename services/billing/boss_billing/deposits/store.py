"""Tables and SQL of deposits, statements, and how sources write them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_billing.deposits.rules import Deposit, DepositNotice, Statement
from boss_billing.deposits.source import DepositSource
from boss_kit.database import copy_rows
from boss_kit.ids import new_id

TABLES = sa.MetaData()
EVERY_ENTERPRISE = UUID(int=0)

deposit = sa.Table(
    "deposit",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("business_unit_id", PG_UUID, nullable=False),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("deposit_key", sa.Text, nullable=False),
    sa.Column("part", sa.SmallInteger, nullable=False),
    sa.Column("statement_id", PG_UUID),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("line_no", sa.Integer, nullable=False),
    sa.Column("deposit_date", sa.Date, nullable=False),
    sa.Column("batch_number", sa.BigInteger, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("tender", sa.Text, nullable=False),
    sa.Column("gross_minor", sa.BigInteger, nullable=False),
    sa.Column("fee_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("transaction_id", sa.Text, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

deposit_statement = sa.Table(
    "deposit_statement",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("id", PG_UUID, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("content_hash", sa.LargeBinary, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("gross_minor", sa.BigInteger, nullable=False),
    sa.Column("fee_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("correlation", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
)

deposit_source = sa.Table(
    "deposit_source",
    TABLES,
    sa.Column("enterprise_id", PG_UUID, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("delimiter", sa.Text, nullable=False),
    sa.Column("date_format", sa.Text, nullable=False),
    sa.Column("columns", JSONB, nullable=False),
)

_COLUMNS = [column.name for column in deposit.columns]

_KEPT = sa.text(
    """
    SELECT * FROM deposit
    WHERE enterprise_id = :enterprise_id AND source = :source AND deposit_key = ANY(:keys)
    ORDER BY deposit_key, part
    """
)

_UNITS_OF_BATCHES = sa.text(
    """
    SELECT DISTINCT number, business_unit_id FROM batch WHERE enterprise_id = :enterprise_id AND number = ANY(:numbers)
    """
)

_CURRENCIES_OF_BATCHES = sa.text(
    """
    SELECT DISTINCT batch.number, unit.currency
    FROM batch
    JOIN business_unit AS unit ON unit.enterprise_id = batch.enterprise_id AND unit.id = batch.business_unit_id
    WHERE batch.enterprise_id = :enterprise_id AND batch.number = ANY(:numbers)
    """
)

# What a batch still has to come by tender: approved, less what has come.
_AWAITED = sa.text(
    """
    SELECT number, tender, sum(amount) AS amount FROM (
        SELECT batch.number, attempt.tender, payment.amount_minor AS amount
        FROM batch
        JOIN attempt ON attempt.enterprise_id = batch.enterprise_id AND attempt.batch_id = batch.id
        JOIN payment ON payment.enterprise_id = attempt.enterprise_id AND payment.id = attempt.payment_id
        WHERE batch.enterprise_id = :enterprise_id AND batch.number = ANY(:numbers) AND attempt.state = 'approved'
        UNION ALL
        SELECT batch_number, tender, -gross_minor
        FROM deposit WHERE enterprise_id = :enterprise_id AND batch_number = ANY(:numbers)
    ) AS moved
    GROUP BY number, tender
    """
)

_LOCK_SOURCE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


def lock_source(connection: sa.Connection, enterprise_id: UUID, source: str) -> None:
    """Let one transaction at a time take the deposits of a source, so that what is kept is what was compared."""
    connection.execute(_LOCK_SOURCE, {"key": f"deposits/{enterprise_id}/{source}"})


def kept(
    connection: sa.Connection, enterprise_id: UUID, source: str, keys: Collection[str]
) -> dict[str, list[DepositNotice]]:
    """Read what was kept of a source's deposits, by key."""
    found: dict[str, list[DepositNotice]] = {}
    for row in connection.execute(_KEPT, {"enterprise_id": enterprise_id, "source": source, "keys": list(keys)}):
        found.setdefault(row.deposit_key, []).append(read_notice(row))
    return found


def units_of_batches(connection: sa.Connection, enterprise_id: UUID, numbers: Collection[int]) -> Mapping[int, UUID]:
    """Read which unit each of the batches is of."""
    rows = connection.execute(_UNITS_OF_BATCHES, {"enterprise_id": enterprise_id, "numbers": list(numbers)})
    return {row.number: row.business_unit_id for row in rows}


def currencies_of_batches(
    connection: sa.Connection, enterprise_id: UUID, numbers: Collection[int]
) -> Mapping[int, str]:
    """Read which currency the money of each of the batches is in."""
    rows = connection.execute(_CURRENCIES_OF_BATCHES, {"enterprise_id": enterprise_id, "numbers": list(numbers)})
    return {row.number: row.currency for row in rows}


def awaited(connection: sa.Connection, enterprise_id: UUID, numbers: Collection[int]) -> dict[int, dict[str, int]]:
    """Read what batches still have to come by tender."""
    found: dict[int, dict[str, int]] = {}
    for row in connection.execute(_AWAITED, {"enterprise_id": enterprise_id, "numbers": list(numbers)}):
        found.setdefault(row.number, {})[row.tender] = int(row.amount)
    return found


def add(
    connection: sa.Connection,
    enterprise_id: UUID,
    deposits: Sequence[Deposit],
    statement_id: UUID | None,
    correlation: str,
    now: datetime,
) -> None:
    """Add deposits."""
    rows = []
    for one in deposits:
        told = one.notice
        rows.append(
            (
                enterprise_id,
                one.business_unit_id,
                new_id(),
                told.source,
                told.deposit_key,
                one.part,
                statement_id,
                told.statement,
                told.line_no,
                told.deposit_date,
                told.batch_number,
                told.label,
                told.tender,
                told.gross_minor,
                told.fee_minor,
                told.currency,
                told.transaction_id,
                correlation,
                now,
            )
        )
    copy_rows(connection, deposit, _COLUMNS, rows)


def find_statement(
    connection: sa.Connection, enterprise_id: UUID, source: str, content_hash: bytes
) -> Statement | None:
    """Read the statement a file was taken as."""
    table = deposit_statement
    query = sa.select(table).where(
        table.c.enterprise_id == enterprise_id, table.c.source == source, table.c.content_hash == content_hash
    )
    row = connection.execute(query).one_or_none()
    return read_statement(row) if row else None


def add_statement(connection: sa.Connection, one: Statement, correlation: str, now: datetime) -> None:
    """Add a statement."""
    connection.execute(
        sa.insert(deposit_statement).values(
            enterprise_id=one.enterprise_id,
            id=one.id,
            source=one.source,
            file_name=one.file_name,
            content_hash=one.content_hash,
            lines=one.lines,
            gross_minor=one.gross_minor,
            fee_minor=one.fee_minor,
            currency=one.currency,
            correlation=correlation,
            create_time=now,
        )
    )


def sources_of(connection: sa.Connection, enterprise_id: UUID) -> list[DepositSource]:
    """Read the sources an enterprise knows, by name: its own before those that hold for all."""
    table = deposit_source
    query = sa.select(table).where(table.c.enterprise_id.in_([enterprise_id, EVERY_ENTERPRISE]))
    found: dict[str, Any] = {}
    for row in connection.execute(query.order_by(table.c.name, table.c.enterprise_id)):
        found[row.name] = row
    return [DepositSource(row.name, row.delimiter, row.date_format, row.columns) for row in found.values()]


def save_source(connection: sa.Connection, enterprise_id: UUID, source: DepositSource) -> None:
    """Write how a source writes its statements."""
    values = {
        "delimiter": source.delimiter,
        "date_format": source.date_format,
        "columns": dict(source.columns),
    }
    statement = insert(deposit_source).values(enterprise_id=enterprise_id, name=source.name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["enterprise_id", "name"], set_=values))


def read_notice(row: "sa.Row[Any]") -> DepositNotice:
    """Make a notice of a deposit's row."""
    return DepositNotice(
        row.deposit_key,
        row.source,
        row.statement,
        row.deposit_date,
        row.batch_number,
        row.label,
        row.tender,
        row.gross_minor,
        row.fee_minor,
        row.currency,
        row.transaction_id,
        row.line_no,
    )


def read_statement(row: "sa.Row[Any]") -> Statement:
    """Make a statement of its row."""
    return Statement(
        row.id,
        row.enterprise_id,
        row.source,
        row.file_name,
        bytes(row.content_hash),
        row.lines,
        row.gross_minor,
        row.fee_minor,
        row.currency,
    )
