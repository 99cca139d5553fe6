"""A consumer that writes down what it got, and misbehaves where a test asks it to."""

import json
import os
import signal
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_kit.context import Context
from boss_kit.database import open_database
from boss_kit.errors import Transient
from boss_kit.events.consumer import Consumer
from boss_kit.events.envelope import OutgoingEvent
from boss_kit.events.received import Received, Subscription
from boss_kit.ids import new_id
from boss_kit.schema import create_kit_tables
from boss_kit.unit_of_work import Transaction, UnitOfWork

HAPPENED = "test.thing.v1.happened"
STATE = "test.thing.v1.changed"
UNKNOWN = "test.thing.v1.unheard_of"
ENTERPRISE = UUID("01890000-0000-7000-8000-000000000001")
DAY = date(2026, 3, 14)

Fact = dict[str, Any]

PROBE = sa.MetaData()
effect = sa.Table(
    "effect",
    PROBE,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("event_id", sa.Uuid, nullable=False),
    sa.Column("key", sa.Uuid, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("worker", sa.Integer, nullable=False),
)
mischief = sa.Table("mischief", PROBE, sa.Column("kind", sa.Text, primary_key=True), sa.Column("times", sa.Integer))


def create_probe_database(url: str) -> None:
    """Make the kit's tables and the probe's own."""
    engine = open_database(url, pool_size=1)
    with engine.begin() as connection:
        create_kit_tables(connection)
        PROBE.create_all(connection)
    engine.dispose()


def encode(fact: object) -> OutgoingEvent:
    """Put a fact of the tests into its envelope."""
    assert isinstance(fact, dict)
    return OutgoingEvent(
        type=fact.get("type", HAPPENED),
        key=fact["key"],
        subject=f"things/{fact['key']}",
        enterprise_id=ENTERPRISE,
        business_date=DAY,
        data=json.dumps({"n": fact["n"], "mischief": fact.get("mischief", "")}).encode(),
        version=fact.get("version", 0),
    )


def publish(engine: sa.Engine, producer: str, facts: Sequence[Fact]) -> None:
    """Commit facts into a producer's outbox."""
    with UnitOfWork(engine, producer, encode).begin(Context(ENTERPRISE, correlation="story")) as tx:
        tx.publish(*facts)


def sequence(keys: int, length: int) -> list[Fact]:
    """Give `length` facts of each of some keys, mixed."""
    ids = [new_id() for _ in range(keys)]
    return [{"key": key, "n": n} for n in range(length) for key in ids]


def make_consumer(engine: sa.Engine, service: str) -> Consumer:
    """Give a consumer of the facts of the tests."""
    subscriptions = [Subscription(kind, decode=json.loads, handle=_handle) for kind in (HAPPENED, STATE)]
    return Consumer(UnitOfWork(engine, service, encode), subscriptions, states={STATE})


def allow(engine: sa.Engine, kind: str, times: int) -> None:
    """Let facts of a kind of mischief do it so many times more, over all processes."""
    with engine.begin() as connection:
        connection.execute(sa.delete(mischief).where(mischief.c.kind == kind))
        connection.execute(sa.insert(mischief).values(kind=kind, times=times))


def _handle(tx: Transaction, page: Sequence[Received[Fact]]) -> None:
    assert len({received.event.key for received in page}) == len(page), "a wave has each key once"
    for received in page:
        if received.fact["mischief"] and _may(tx.connection.engine, received.fact["mischief"]):
            _misbehave(received.fact["mischief"])
    tx.connection.execute(
        sa.insert(effect),
        [
            {
                "event_id": received.event.id,
                "key": received.event.key,
                "type": received.event.type,
                "n": received.fact["n"],
                "worker": os.getpid(),
            }
            for received in page
        ],
    )


def _may(engine: sa.Engine, kind: str) -> bool:
    # In a transaction of its own, so that it is remembered when this one isn't.
    left = sa.update(mischief).where(mischief.c.kind == kind, mischief.c.times > 0).values(times=mischief.c.times - 1)
    with engine.begin() as connection:
        return connection.execute(left).rowcount == 1


def _misbehave(kind: str) -> None:
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "away":
        raise Transient("AWAY", "somebody doesn't answer")
    raise ValueError(f"mischief: {kind}")
