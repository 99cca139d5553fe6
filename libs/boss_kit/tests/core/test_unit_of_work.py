"""State, outbox and tasks commit together or not at all."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.v1 import event_pb2

from boss_kit.context import Actor, Context
from boss_kit.events.batch import EVENTS_MAX, read_events, stored_piece
from boss_kit.events.envelope import OutgoingEvent
from boss_kit.ids import new_id, partition_of
from boss_kit.schema import outbox, request, task, test_clock
from boss_kit.testing.outbox import written_events
from boss_kit.unit_of_work import UnitOfWork, no_facts

ENTERPRISE = UUID("01890000-0000-7000-8000-000000000001")
CONTEXT = Context(ENTERPRISE, Actor(user="olga"), correlation="story", causation="request", traceparent="00-aa-bb-01")


def encode(fact: object) -> OutgoingEvent:
    assert isinstance(fact, UUID)
    return OutgoingEvent("test.v1.happened", fact, f"things/{fact}", ENTERPRISE, date(2026, 1, 31), b"data", version=4)


@pytest.fixture
def units(kit_engine: sa.Engine) -> UnitOfWork:
    return UnitOfWork(kit_engine, "test", encode)


def rows(units: UnitOfWork, table: sa.Table) -> list[Any]:
    with units.engine.connect() as connection:
        return list(connection.execute(sa.select(table).order_by(*table.primary_key.columns)))


def written(units: UnitOfWork) -> Sequence[event_pb2.Event]:
    with units.engine.connect() as connection:
        return written_events(connection)


def test_a_commit_publishes(units: UnitOfWork) -> None:
    key = new_id()
    with units.begin(CONTEXT) as tx:
        tx.publish(key)
        tx.enqueue("look", key="one")
    (row,) = rows(units, outbox)
    (event,) = read_events([row.body])
    assert (row.enterprise_id, row.partition, row.events) == (ENTERPRISE, partition_of(key), 1)
    assert UUID(event.id).version == 7
    assert (event.source, event.type, event.key, event.version) == ("test", "test.v1.happened", str(key), 4)
    assert (event.correlation, event.causation, event.traceparent) == ("story", "request", "00-aa-bb-01")
    assert Actor.from_json(event.actor) == Actor(user="olga")
    assert (event.business_date.year, event.business_date.month, event.business_date.day) == (2026, 1, 31)
    assert len(rows(units, task)) == 1


def test_a_rollback_publishes_nothing(units: UnitOfWork) -> None:
    def fail() -> None:
        with units.begin(CONTEXT) as tx:
            tx.publish(new_id())
            tx.enqueue("look", key="one")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert rows(units, outbox) == rows(units, task) == []


@pytest.mark.parametrize("facts", [1, 30, 500, 5000])
def test_facts_of_a_partition_keep_their_order_however_many_they_are(units: UnitOfWork, facts: int) -> None:
    keys = [new_id() for _ in range(facts)]
    with units.begin(CONTEXT) as tx:
        tx.publish(*keys[:1])
        tx.publish(*keys[1:])
    found: dict[int, list[UUID]] = {}
    for row in rows(units, outbox):
        events = read_events([stored_piece(row.events, row.body).body])
        assert len(events) == row.events <= EVENTS_MAX
        found.setdefault(row.partition, []).extend(UUID(event.key) for event in events)
    assert found == {one: [key for key in keys if partition_of(key) == one] for one in found}
    assert sum(map(len, found.values())) == facts


def test_facts_of_two_enterprises_are_in_rows_of_their_own(units: UnitOfWork) -> None:
    other = UUID("01890000-0000-7000-8000-000000000002")

    def encode_of(fact: object) -> OutgoingEvent:
        return encode(fact)._replace(enterprise_id=ENTERPRISE if fact == ENTERPRISE else other)

    both = UnitOfWork(units.engine, "test", encode_of)
    with both.begin(CONTEXT) as tx:
        tx.publish(ENTERPRISE, UUID(int=ENTERPRISE.int ^ 1 << 64))
    assert [(row.enterprise_id, row.events) for row in rows(units, outbox)] == [(ENTERPRISE, 1), (other, 1)]


def test_facts_of_another_context_keep_their_place_among_the_others(units: UnitOfWork) -> None:
    first, second, third = new_id(), new_id(), new_id()
    with units.begin(CONTEXT) as tx:
        tx.publish(first)
        tx.for_context(Context(ENTERPRISE, correlation="other")).publish(second)
        tx.publish(third)
    events = written(units)
    assert [event.key for event in events] == [str(key) for key in (first, second, third)]
    assert [event.correlation for event in events] == ["story", "other", "story"]


def test_a_savepoint_takes_its_rows_and_facts_along(units: UnitOfWork) -> None:
    before, inside, after = new_id(), new_id(), new_id()
    with units.begin(CONTEXT) as tx:
        tx.publish(before)
        with pytest.raises(ValueError, match="no"), tx.savepoint():
            tx.publish(inside)
            tx.enqueue("look", key="inside")
            raise ValueError("no")
        tx.publish(after)
    assert [event.key for event in written(units)] == [str(before), str(after)]
    assert rows(units, task) == []


def test_the_same_task_and_key_twice_is_once(units: UnitOfWork) -> None:
    with units.begin(CONTEXT) as tx:
        for key in ("one", "one", "two"):
            tx.enqueue("look", key=key, args={"n": 1})
    assert sorted(row.key for row in rows(units, task)) == ["one", "two"]


def test_a_read_transaction_can_write_nothing(units: UnitOfWork) -> None:
    with units.read(CONTEXT) as tx, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        tx.connection.execute(sa.insert(request).values(enterprise_id=ENTERPRISE, method="m", request_id=ENTERPRISE))


def test_a_transaction_without_an_enterprise_says_so(units: UnitOfWork) -> None:
    with units.begin(Context()) as tx, pytest.raises(LookupError, match="no enterprise"):
        _ = tx.enterprise_id


def test_a_fact_in_a_process_that_publishes_none_is_refused(kit_engine: sa.Engine) -> None:
    def publish() -> None:
        with UnitOfWork(kit_engine, "test", no_facts).begin(CONTEXT) as tx:
            tx.publish("fact")

    with pytest.raises(TypeError, match="publishes no facts"):
        publish()


def test_the_test_clock_tells_the_time_only_where_it_is_on(kit_engine: sa.Engine) -> None:
    driven = datetime(2030, 5, 6, 12, tzinfo=UTC)
    with kit_engine.begin() as connection:
        connection.execute(sa.insert(test_clock).values(id=1, now=driven))
    with UnitOfWork(kit_engine, "test", encode, test_clock=True).begin(CONTEXT) as tx:
        assert (tx.now, tx.today("America/Denver")) == (driven, date(2030, 5, 6))
        assert tx.for_context(CONTEXT.on(date(2030, 1, 1))).today("UTC") == date(2030, 1, 1)
    with UnitOfWork(kit_engine, "test", encode).begin(CONTEXT) as tx:
        assert tx.now.year < 2030
