"""The platform's servicers behind a real server and a real database."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from boss_kit.events.consumer import Consumer
from boss_kit.jobs import Job, by_request, daily
from boss_kit.platform import add_platform
from boss_kit.unit_of_work import UnitOfWork, no_facts

pytest_plugins = ("boss_kit.testing.postgres", "boss_kit.testing.tokens", "boss_kit.testing.server")

JOBS = (Job("bill", daily("02:00"), "bill-run"), Job("clear", by_request(), "clear"))


@pytest.fixture
def units(kit_engine: sa.Engine) -> UnitOfWork:
    """Give transactions that go by a test clock."""
    return UnitOfWork(kit_engine, "test", no_facts, test_clock=True)


@pytest.fixture
def platform(units: UnitOfWork, serving: Any) -> Iterator[Any]:
    """Serve them."""
    consumer = Consumer(units, ())
    yield serving("test", [lambda server: add_platform(server, units, consumer, JOBS)])
