"""Engines, pools and the COPY door of the bulk path."""

import select
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from boss_kit import arrays, binary_rows

arrays.register()

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 30
RANDOM_PAGE_COST = 1.1
"""A page that is read out of order costs hardly more than the next one where nothing turns. PostgreSQL's own 4 is a
disk's: with it, what is known by a thousand keys is found by going through all of a big table."""
LOOK_AFTER_S, PING_AFTER_S = 0.5, 30.0
MEMORY_MB = 64
_USED_AT = "boss_used_at"
_ALLOW_MEMORY = sa.text(
    """
    SELECT set_config('work_mem', :memory, true), set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('jit', 'off', true)
    """
)


def open_database(url: str, pool_size: int, statement_timeout_s: int = STATEMENT_TIMEOUT_S) -> sa.Engine:
    """Open a pool without overflow, so that processes times pools stays below PostgreSQL's own limit (DESIGN 2)."""
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=STATEMENT_TIMEOUT_S,
        # Errors reach logs and tables, and parameters are people's data.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c statement_timeout={statement_timeout_s * 1000} -c timezone=UTC "
            f"-c random_page_cost={RANDOM_PAGE_COST}",
            # A prepared statement per pooled connection keeps the plan of the hot statements.
            "prepare_threshold": 3,
        },
    )
    sa.event.listen(engine, "checkin", _remember_use)
    sa.event.listen(engine, "checkout", _ask_if_rested)
    return engine


def _remember_use(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _ask_if_rested(connection: Any, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
    """Make sure that the server is still there, unless it just was: no server comes back as fast as that.

    The end of a server's process can be seen on the socket; after a longer rest the server is asked, because the line
    may be dead without a word. Raises InvalidatePoolError, upon which the pool connects anew.
    """
    rested_s = time.monotonic() - record.info.get(_USED_AT, 0.0)
    if rested_s < LOOK_AFTER_S or (rested_s < PING_AFTER_S and not _has_word(connection)):
        return
    try:
        connection.execute("")
        if not connection.autocommit:
            connection.rollback()
    except psycopg.Error as error:
        raise sa.exc.InvalidatePoolError from error


def _has_word(connection: Any) -> bool:
    """Tell whether something came in that nobody asked for, such as the end of the line."""
    try:
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    except (ValueError, OSError, psycopg.Error):
        return True


def allow_memory(connection: sa.Connection, memory_mb: int = MEMORY_MB) -> None:
    """Let the statements of this transaction sort and hash in so much memory, each planned for its own values.

    For reads of a million rows, whose sorts would go through files, and whose plan for any values would be too small.
    """
    connection.execute(_ALLOW_MEMORY, {"memory": f"{memory_mb}MB"})


def why_not_connected(error: BaseException) -> str | None:
    """Say in a line why no connection came about; None for any other error."""
    cause = getattr(error, "orig", None)
    # What a server says in a session has a code; what happens before there is one has none.
    if not isinstance(cause, psycopg.OperationalError) or cause.sqlstate is not None:
        return None
    return f"DATABASE_URL: the database doesn't answer: {' '.join(str(cause).split())}"


def sqlalchemy_url(url: str) -> str:
    """Name the psycopg driver in a plain `postgresql://` address."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    return url


def copy_rows(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    rows_at_once: int = binary_rows.ROWS_AT_ONCE,
) -> int:
    """Write rows with COPY inside the connection's transaction; return how many.

    Columns take the types of the table, so that the driver needs no text round trip.
    """
    types = _type_names(table, tuple(columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    driver = driver_connection(connection)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        if binary_rows.can_write(types):
            for some, data in binary_rows.write_rows(types, rows, rows_at_once):
                copy.write(data)
                count += some
            return count
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def rows_of(
    connection: sa.Connection, statement: sa.TextClause, parameters: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """Execute a text with the driver itself; return its rows, whose values have places and no names.

    For the statements of small pages that come thousands of times: to most of them SQLAlchemy's result costs more than
    their rows do. Errors are the driver's own.
    """
    cursor = driver_connection(connection).execute(_driver_text(statement), parameters)
    result = cursor.pgresult
    return cursor.fetchall() if result is not None and result.nfields else []


def driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Give psycopg's own connection, for what SQLAlchemy has no words for, as part of the same transaction."""
    if not connection.in_transaction():
        # SQLAlchemy begins by itself only with its own statements, and would neither commit nor roll back this one.
        connection.begin()
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


@cache
def _driver_text(statement: sa.TextClause) -> bytes:
    return str(statement.compile(dialect=_DIALECT)).encode()


@cache
def _type_names(table: sa.Table, columns: tuple[str, ...]) -> list[str]:
    return [_type_name(table.c[column].type) for column in columns]


def _type_name(column_type: sa.types.TypeEngine[object]) -> str:
    name = column_type.compile(dialect=_DIALECT).lower().replace("timestamp with time zone", "timestamptz")
    # The driver knows a numeric(14, 3) as a numeric.
    return name.partition("(")[0]


_DIALECT = sa.create_engine("postgresql+psycopg://").dialect
