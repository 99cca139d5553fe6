"""A real database with billing's schema, a club on it, and billing's API over real gRPC."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from boss.billing.v1 import decline_service_pb2_grpc, rebill_service_pb2_grpc, report_service_pb2_grpc

from boss_billing.adapters.places import Directory
from boss_billing.adapters.sftp import Login, Sftp
from boss_billing.app import SERVICE, servicers
from boss_billing.events import encode
from boss_kit.database import open_database
from boss_kit.migrate import upgrade
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import UnitOfWork

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from billing_month import Month
from club import Club
from file_exchange import Exchange, Files
from sftp_server import USER, running_server
from till import Till

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer
    from boss_kit.testing.server import ServerUnderTest, Serving

POOL_SIZE = 8


def migrate(url: str) -> None:
    engine = open_database(url, pool_size=1)
    upgrade(engine, SERVICE.migrations)
    engine.dispose()


@pytest.fixture(scope="session")
def billing_template(postgres_server: "PostgresServer") -> str:
    return postgres_server.template("billing", migrate)


@pytest.fixture
def database_url(postgres_server: "PostgresServer", billing_template: str) -> Iterator[str]:
    with postgres_server.database(billing_template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = open_database(database_url, POOL_SIZE)
    yield engine
    engine.dispose()


@pytest.fixture
def units(engine: sa.Engine) -> UnitOfWork:
    return UnitOfWork(engine, SERVICE.name, encode, test_clock=True)


@pytest.fixture
def club(units: UnitOfWork) -> Club:
    return Club(units)


@pytest.fixture
def server(serving: "Serving", units: UnitOfWork, club: Club) -> "ServerUnderTest":
    return serving(SERVICE.name, servicers(Door(units), club.due))


@pytest.fixture
def till(club: Club) -> Till:
    """Give the commands that move money, on a club with an account."""
    club.add_account("M1")
    return Till(club)


@pytest.fixture
def month(club: Club) -> Month:
    return Month(club)


@pytest.fixture
def reports(server: "ServerUnderTest") -> Any:
    return server.stub(report_service_pb2_grpc.ReportServiceStub)


@pytest.fixture
def declines(server: "ServerUnderTest") -> Any:
    return server.stub(decline_service_pb2_grpc.DeclineServiceStub)


@pytest.fixture
def rebills(server: "ServerUnderTest") -> Any:
    return server.stub(rebill_service_pb2_grpc.RebillServiceStub)


@pytest.fixture(params=["folder", "sftp"])
def exchange(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Exchange]:
    """Give both places where files may lie."""
    if request.param == "folder":
        yield Exchange(Directory(tmp_path), tmp_path)
        return
    with running_server(tmp_path / "server") as server:
        (server.root / "exchange").mkdir()
        login = Login("127.0.0.1", server.port, USER, "/exchange", server.known_hosts(), server.key_file())
        yield Exchange(Sftp(login), server.root / "exchange")


@pytest.fixture
def files(club: Club, exchange: Exchange) -> Files:
    return Files(club, exchange)
