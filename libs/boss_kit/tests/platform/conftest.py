"""The platform's servicers behind a real server and a real database."""

import pytest
import sqlalchemy as sa

from boss_kit.events.consumer import Consumer
from boss_kit.jobs import Job, by_request, daily
from boss_kit.platform import add_platform
from boss_kit.testing.server import ServerUnderTest, Serving
from boss_kit.unit_of_work import UnitOfWork, no_facts

JOBS = (Job("bill", daily("02:00"), "bill-run"), Job("clear", by_request(), "clear"))


@pytest.fixture
def units(kit_engine: sa.Engine) -> UnitOfWork:
    """Give transactions that go by a test clock."""
    return UnitOfWork(kit_engine, "test", no_facts, test_clock=True)


@pytest.fixture
def platform(units: UnitOfWork, serving: Serving) -> ServerUnderTest:
    """Serve them."""
    consumer = Consumer(units, ())
    return serving("test", [lambda server: add_platform(server, units, consumer, JOBS)])
