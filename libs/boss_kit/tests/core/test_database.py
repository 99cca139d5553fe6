"""COPY carries every type our tables have."""

import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql import JSONB, UUID

from boss_kit import binary_rows, database
from boss_kit.database import copy_rows, open_database, rows_of, sqlalchemy_url
from boss_kit.tasks import is_transient

EVERY_TYPE = sa.Table(
    "every_type",
    sa.MetaData(),
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("a_uuid", UUID),
    sa.Column("a_text", sa.Text),
    sa.Column("a_bigint", sa.BigInteger),
    sa.Column("an_integer", sa.Integer),
    sa.Column("a_smallint", sa.SmallInteger),
    sa.Column("a_boolean", sa.Boolean),
    sa.Column("a_date", sa.Date),
    sa.Column("a_timestamp", sa.DateTime(timezone=True)),
    sa.Column("some_bytes", sa.LargeBinary),
    sa.Column("some_json", JSONB),
    sa.Column("a_numeric", sa.Numeric(14, 3)),
)
EARLY = datetime(1, 1, 2, tzinfo=timezone(timedelta(hours=-7)))
COLUMNS = [column.name for column in EVERY_TYPE.columns]
# PostgreSQL's text and JSON hold every character but NUL.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a_uuid": st.uuids(),
    "a_text": TEXT,
    "a_bigint": st.integers(-(2**63), 2**63 - 1),
    "an_integer": st.integers(-(2**31), 2**31 - 1),
    "a_smallint": st.integers(-(2**15), 2**15 - 1),
    "a_boolean": st.booleans(),
    "a_date": st.dates(),
    "a_timestamp": st.timedeltas(timedelta(0), timedelta(days=365 * 9000)).map(lambda later: EARLY + later),
    "some_bytes": st.binary(),
    "some_json": st.dictionaries(TEXT, st.one_of(st.integers(-(2**53), 2**53), TEXT, st.booleans(), st.none())),
    "a_numeric": st.decimals(Decimal(1 - 10**11), Decimal(10**11 - 1), places=3),
}

PLAIN = [name for name in VALUES if name not in ("some_json", "a_numeric")]


@pytest.fixture
def table(kit_engine: sa.Engine) -> sa.Engine:
    EVERY_TYPE.create(kit_engine)
    return kit_engine


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*(st.one_of(st.none(), strategy) for strategy in VALUES.values())), max_size=20))
def test_rows_come_back_as_they_were_copied(table: sa.Engine, drawn: list[tuple[Any, ...]]) -> None:
    rows = [(number, *values) for number, values in enumerate(drawn)]
    with table.connect() as connection:
        assert copy_rows(connection, EVERY_TYPE, COLUMNS, iter(rows)) == len(rows)
        back = connection.execute(sa.select(EVERY_TYPE).order_by(EVERY_TYPE.c.n)).all()
        connection.rollback()
    assert [tuple(row) for row in back] == rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*(st.one_of(st.none(), VALUES[name]) for name in PLAIN)), max_size=20), st.integers(1, 3))
def test_rows_of_plain_types_come_back_as_they_were_copied_however_they_are_parted(
    table: sa.Engine, drawn: list[tuple[Any, ...]], repeats: int
) -> None:
    rows = [(number, *values) for number, values in enumerate(one for one in drawn for _ in range(repeats))]
    with table.connect() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(binary_rows, "ROWS_AT_ONCE", 3)
        assert copy_rows(connection, EVERY_TYPE, ["n", *PLAIN], iter(rows)) == len(rows)
        columns = [EVERY_TYPE.c[name] for name in ("n", *PLAIN)]
        back = connection.execute(sa.select(*columns).order_by(EVERY_TYPE.c.n)).all()
        connection.rollback()
    assert [tuple(row) for row in back] == rows


def test_a_row_of_another_width_is_refused(table: sa.Engine) -> None:
    with table.connect() as connection, pytest.raises(ValueError, match="argument"):
        copy_rows(connection, EVERY_TYPE, ["n", "a_text"], [(1, "one"), (2,)])


def test_a_copy_is_part_of_its_transaction(table: sa.Engine) -> None:
    with table.connect() as connection:
        copy_rows(connection, EVERY_TYPE, ["n", "a_uuid"], [(1, uuid.uuid4())])
        connection.rollback()
        assert connection.scalar(sa.select(sa.func.count()).select_from(EVERY_TYPE)) == 0


def test_a_copy_that_fails_for_good_isnt_called_transient(table: sa.Engine) -> None:
    with table.connect() as connection, pytest.raises(Exception, match="duplicate key") as failed:
        copy_rows(connection, EVERY_TYPE, ["n"], [(1,), (1,)])
    assert not is_transient(failed.value)


def test_a_copy_whose_server_goes_away_is_called_transient(table: sa.Engine) -> None:
    with table.connect() as connection, table.connect() as other:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        connection.rollback()
        other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(Exception, match=r"terminat|closed|lost") as failed:
            copy_rows(connection, EVERY_TYPE, ["n"], [(1,)])
        connection.invalidate()
    assert is_transient(failed.value)


def test_rows_of_a_text_are_part_of_the_transaction_that_its_connection_is_in(table: sa.Engine) -> None:
    add = sa.text("INSERT INTO every_type (n, a_text) SELECT *, :text FROM unnest(CAST(:numbers AS bigint[]))")
    find = sa.text("SELECT n, a_text, a_uuid FROM every_type WHERE n % 2 = 1 ORDER BY n")
    with table.connect() as connection:
        assert rows_of(connection, add, {"numbers": [1, 2, 3], "text": "100%"}) == []
        assert rows_of(connection, find, {}) == [(1, "100%", None), (3, "100%", None)]
        connection.rollback()
        assert rows_of(connection, find, {}) == []


def test_rows_of_a_server_that_went_away_are_called_transient(table: sa.Engine) -> None:
    with table.connect() as connection, table.connect() as other:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(Exception, match=r"terminat|closed|lost") as failed:
            rows_of(connection, sa.text("SELECT 1"), {})
        connection.invalidate()
    assert is_transient(failed.value)


@pytest.mark.parametrize("ping_after_s", [0.0, database.PING_AFTER_S], ids=["asked", "looked at"])
def test_a_connection_whose_server_ended_while_it_rested_is_replaced(
    kit_url: str, kit_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, ping_after_s: float
) -> None:
    monkeypatch.setattr(database, "LOOK_AFTER_S", 0.0)
    monkeypatch.setattr(database, "PING_AFTER_S", ping_after_s)
    engine = open_database(kit_url, pool_size=1)
    with engine.connect() as connection:
        served_by = connection.scalar(sa.select(sa.func.pg_backend_pid()))
    with kit_engine.connect() as other:
        # It waits for the end: within a transaction pg_stat_activity goes on showing what it showed first.
        assert other.scalar(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": served_by})
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.pg_backend_pid())) != served_by
    engine.dispose()


def test_a_statement_that_took_too_long_is_called_transient(kit_engine: sa.Engine) -> None:
    with kit_engine.connect() as connection:
        connection.execute(sa.text("SET statement_timeout = 20"))
        with pytest.raises(sa.exc.DBAPIError) as failed:
            connection.execute(sa.text("SELECT pg_sleep(5)"))
        connection.invalidate()
    assert is_transient(failed.value)


def test_a_statement_with_too_many_parameters_isnt_called_transient(kit_engine: sa.Engine) -> None:
    with kit_engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="number of parameters") as failed:
        connection.execute(sa.select(sa.literal(1).in_(range(70_000))))
    assert not is_transient(failed.value)


def test_errors_dont_repeat_parameters(kit_engine: sa.Engine) -> None:
    with kit_engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as failed:
        connection.execute(sa.text("SELECT no_such_function(:who)"), {"who": "somebody's name"})
    assert "somebody's name" not in str(failed.value)


@pytest.mark.parametrize("plain", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"])
def test_an_address_names_the_driver(plain: str) -> None:
    assert sqlalchemy_url(plain) == "postgresql+psycopg://u@h/d"
