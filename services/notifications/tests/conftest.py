"""A real database with notifications' schema, its consumer, its API over real gRPC, a real mail server."""

import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from boss.notifications.v1 import (
    notification_service_pb2_grpc,
    provider_callback_service_pb2_grpc,
    template_service_pb2_grpc,
)
from boss.platform.v1 import timeline_service_pb2_grpc
from sqlalchemy.dialects.postgresql import insert

from boss_kit import schema
from boss_kit.database import open_database
from boss_kit.events.consumer import Consumer
from boss_kit.migrate import upgrade
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import UnitOfWork
from boss_mail_catcher import MailCatcher
from boss_notifications.app import SERVICE, servicers
from boss_notifications.events import encode
from boss_notifications.subscriptions import SUBSCRIPTIONS

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from notification_facts import NOON, Club

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer
    from boss_kit.testing.server import ServerUnderTest, Serving

POOL_SIZE = 8


def migrate(url: str) -> None:
    engine = open_database(url, pool_size=1)
    upgrade(engine, SERVICE.migrations)
    engine.dispose()


@pytest.fixture(scope="session")
def notifications_template(postgres_server: "PostgresServer") -> str:
    return postgres_server.template("notifications", migrate)


@pytest.fixture
def database_url(postgres_server: "PostgresServer", notifications_template: str) -> Iterator[str]:
    """Lend a database of its own to a test that starts processes."""
    with postgres_server.database(notifications_template) as url:
        yield url


@pytest.fixture(scope="session")
def engine(postgres_server: "PostgresServer", notifications_template: str) -> Iterator[sa.Engine]:
    """Lend one database to all tests: each has an enterprise of its own, which is a proof of its kind."""
    with postgres_server.database(notifications_template) as url:
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

    advance(NOON)
    return advance


@pytest.fixture
def club(units: UnitOfWork, clock: Callable[[datetime], None]) -> Club:
    club = Club(units, Consumer(units, SUBSCRIPTIONS))
    club.open_unit()
    return club


@pytest.fixture
def server(serving: "Serving", units: UnitOfWork) -> "ServerUnderTest":
    return serving(SERVICE.name, servicers(Door(units)))


@pytest.fixture
def templates(server: "ServerUnderTest") -> Any:
    return server.stub(template_service_pb2_grpc.TemplateServiceStub)


@pytest.fixture
def notifications(server: "ServerUnderTest") -> Any:
    return server.stub(notification_service_pb2_grpc.NotificationServiceStub)


@pytest.fixture
def callbacks(server: "ServerUnderTest") -> Any:
    return server.stub(provider_callback_service_pb2_grpc.ProviderCallbackServiceStub)


@pytest.fixture
def timeline(server: "ServerUnderTest") -> Any:
    return server.stub(timeline_service_pb2_grpc.TimelineServiceStub)


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    catcher = MailCatcher(tmp_path / "mail")
    catcher.start()
    yield catcher
    catcher.stop()
