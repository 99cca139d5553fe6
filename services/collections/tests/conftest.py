"""A real database with collections' schema, its consumer, and its API over real gRPC."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from boss.collections.v1 import collections_service_pb2_grpc
from boss.platform.v1 import timeline_service_pb2_grpc
from sqlalchemy.dialects.postgresql import insert

from boss_collections.app import SERVICE, servicers
from boss_collections.events import encode
from boss_collections.subscriptions import SUBSCRIPTIONS
from boss_kit import schema
from boss_kit.database import open_database
from boss_kit.events.consumer import Consumer
from boss_kit.migrate import upgrade
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import UnitOfWork

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from collections_facts import Feed

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer
    from boss_kit.testing.server import ServerUnderTest, Serving

POOL_SIZE = 8


def migrate(url: str) -> None:
    engine = open_database(url, pool_size=1)
    upgrade(engine, SERVICE.migrations)
    engine.dispose()


@pytest.fixture(scope="session")
def collections_template(postgres_server: "PostgresServer") -> str:
    return postgres_server.template("collections", migrate)


@pytest.fixture
def engine(postgres_server: "PostgresServer", collections_template: str) -> Iterator[sa.Engine]:
    with postgres_server.database(collections_template) as url:
        engine = open_database(url, POOL_SIZE)
        yield engine
        engine.dispose()


@pytest.fixture
def units(engine: sa.Engine) -> UnitOfWork:
    return UnitOfWork(engine, SERVICE.name, encode, test_clock=True)


@pytest.fixture
def clock(engine: sa.Engine) -> Callable[[datetime], None]:
    """Set the installation's time."""

    def advance(now: datetime) -> None:
        with engine.begin() as connection:
            row = insert(schema.test_clock).values(id=1, now=now)
            connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"now": now}))

    advance(datetime(2026, 3, 10, 18, tzinfo=UTC))
    return advance


@pytest.fixture
def feed(units: UnitOfWork, clock: Callable[[datetime], None]) -> Feed:
    return Feed(Consumer(units, SUBSCRIPTIONS))


@pytest.fixture
def server(serving: "Serving", units: UnitOfWork) -> "ServerUnderTest":
    return serving(SERVICE.name, servicers(Door(units)))


@pytest.fixture
def collections(server: "ServerUnderTest") -> Any:
    return server.stub(collections_service_pb2_grpc.CollectionsServiceStub)


@pytest.fixture
def timeline(server: "ServerUnderTest") -> Any:
    return server.stub(timeline_service_pb2_grpc.TimelineServiceStub)
