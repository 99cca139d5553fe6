"""Real PostgreSQL for tests: `BOSS_TEST_DATABASE_URL`, else a throw-away server of our own (DESIGN 8).

A service's conftest says `pytest_plugins = ("boss_kit.testing.postgres",)` and makes its own template once:

    @pytest.fixture(scope="session")
    def billing_template(postgres_server):
        return postgres_server.template("billing", migrate)

    @pytest.fixture
    def database_url(postgres_server, billing_template):
        with postgres_server.database(billing_template) as url:
            yield url
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.nodes.postgres import MAJOR_DEFAULT, NOT_DURABLE, PostgresNode
from boss_kit.nodes.process import open_directory
from boss_kit.schema import create_kit_tables

TEST_POOL_SIZE = 8


class PostgresServer:
    """A server on which databases are cheap."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str) -> str:
        """Give the address of a database of this server, for SQLAlchemy."""
        return sqlalchemy_url(psycopg_url(self._url, database))

    def template(self, name: str, migrate: Callable[[str], None]) -> str:
        """Make a database to copy from: `migrate` gets its address and must leave no connection open."""
        template = f"template_{name}_{uuid.uuid4().hex[:8]}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
        migrate(self.url(template))
        return template

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Lend a fresh copy of a template: give its address, and drop it in the end."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield self.url(name)
        finally:
            self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement)


def psycopg_url(server: str, database: str) -> str:
    """Put another database into a libpq address."""
    return (
        sa.make_url(sqlalchemy_url(server))
        .set(drivername="postgresql", database=database)
        .render_as_string(hide_password=False)
    )


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Lend a server for a while."""
    given = os.environ.get("BOSS_TEST_DATABASE_URL")
    if given:
        yield PostgresServer(given.replace("postgresql+psycopg://", "postgresql://"))
        return
    major = int(os.environ.get("BOSS_TEST_POSTGRES_MAJOR", MAJOR_DEFAULT))
    settings = NOT_DURABLE | {"max_connections": "200"}
    node = PostgresNode(open_directory("boss_postgres_"), major=major, settings=settings, throw_away=True)
    try:
        node.start()
        yield PostgresServer(node.url())
    finally:
        node.stop()


def create_kit_database(url: str) -> None:
    """Make only the kit's tables."""
    engine = open_database(url, pool_size=1)
    with engine.begin() as connection:
        create_kit_tables(connection)
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Lend one server to all tests of the run."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def kit_template(postgres_server: PostgresServer) -> str:
    """Give the template that has the kit's tables."""
    return postgres_server.template("kit", create_kit_database)


@pytest.fixture
def kit_url(postgres_server: PostgresServer, kit_template: str) -> Iterator[str]:
    """Give the address of a fresh database with the kit's tables."""
    with postgres_server.database(kit_template) as url:
        yield url


@pytest.fixture
def kit_engine(kit_url: str) -> Iterator[sa.Engine]:
    """Give a pool on a fresh database with the kit's tables."""
    engine = open_database(kit_url, TEST_POOL_SIZE)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_node() -> Iterator[PostgresNode]:
    """Lend a durable server that the test may kill and start again."""
    directory = open_directory("boss_postgres_")
    node = PostgresNode(directory, throw_away=True)
    try:
        node.start()
        yield node
    finally:
        node.stop()
