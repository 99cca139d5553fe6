"""A bus of each kind, on a real database and a real broker."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from event_bus import Bus
from event_probe import create_probe_database

if TYPE_CHECKING:
    from boss_kit.testing.postgres import PostgresServer


@pytest.fixture(scope="session")
def probe_template(postgres_server: "PostgresServer") -> str:
    """Give the template that has the probe's tables."""
    return postgres_server.template("probe", create_probe_database)


@pytest.fixture
def open_bus(postgres_server: "PostgresServer", probe_template: str) -> Iterator[Callable[[str], Bus]]:
    """Give a way to make a bus on a broker, or on the database where the address is empty."""
    with ExitStack() as stack:

        def opened(amqp_url: str) -> Bus:
            urls = [stack.enter_context(postgres_server.database(probe_template)) for _ in range(2)]
            made = Bus(amqp_url, *urls)
            stack.callback(made.close)
            return made

        yield opened


@pytest.fixture(params=["local", "rabbitmq"])
def bus(request: pytest.FixtureRequest, open_bus: Callable[[str], Bus]) -> Iterator[Bus]:
    """Give each bus in turn."""
    made = open_bus("" if request.param == "local" else request.getfixturevalue("amqp_url"))
    yield made
    if made.amqp_url:
        made.close()
        made.delete_queues()


@pytest.fixture
def rabbit_bus(amqp_url: str, open_bus: Callable[[str], Bus]) -> Iterator[Bus]:
    """Give the bus that has a broker."""
    made = open_bus(amqp_url)
    yield made
    made.close()
    made.delete_queues()
