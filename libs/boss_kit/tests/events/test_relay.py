"""The relay: nothing that committed is lost, whatever is killed, and what is published twice takes effect once."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from boss.events.v1 import event_pb2
from event_bus import Bus, wait_until
from event_probe import create_probe_database, publish, sequence
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.events.batch import BYTES_MAX, EVENTS_MAX, Batch, cut, make_batch, make_piece, store
from boss_kit.events.outbox import CHANNEL
from boss_kit.events.relay import BYTES_MAX as PAGE_BYTES_MAX
from boss_kit.events.relay import EVENTS_MAX as PAGE_EVENTS_MAX
from boss_kit.events.relay import PublishError, Relay
from boss_kit.nodes.postgres import PostgresNode
from boss_kit.schema import outbox, published_events
from boss_kit.tasks import listen

PRODUCER = "relay_test"


class Collected:
    """A bus that keeps what it gets, and refuses when it is told to."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.refuse_after = 1_000_000
        self.closed = 0

    def publish(self, batch: Batch) -> None:
        if len(self.batches) >= self.refuse_after:
            raise PublishError("told to refuse")
        self.batches.append(batch)

    def idle(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1

    def numbers(self) -> list[tuple[str, bytes]]:
        """Give key and data of every event, in the order they came."""
        events = [event for batch in self.batches for event in event_pb2.EventBatch.FromString(batch.body).events]
        return [(event.key, event.data) for event in events]


@pytest.fixture
def bus_of_lists() -> Collected:
    return Collected()


def waiting(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.coalesce(sa.func.sum(outbox.c.events), 0))) or 0


def test_all_4_a_relay_killed_between_publishing_and_deleting_publishes_again_and_loses_nothing(bus: Bus) -> None:
    facts = sequence(keys=100, length=3)
    publish(bus.from_engine, bus.producer, facts)
    bus.kill_relay_after_publishing()
    assert waiting(bus.from_engine) == len(facts), "the killed relay deleted nothing"
    bus.publish()
    bus.start_worker()
    bus.wait_for(len(facts))
    assert bus.published() == bus.processed() == len(bus.effects()) == len(facts)


def test_one_of_two_relays_leads_and_the_other_takes_over(kit_engine: sa.Engine, bus_of_lists: Collected) -> None:
    first, second = (Relay(kit_engine, PRODUCER, bus_of_lists) for _ in range(2))
    publish(kit_engine, PRODUCER, sequence(keys=1, length=1))
    assert first.run_once() == 1
    publish(kit_engine, PRODUCER, sequence(keys=1, length=1))
    assert second.run_once() == 0
    first.close()
    # The server lets the lock go when it has seen the session's end.
    wait_until(lambda: second.run_once() == 1, "the second relay to lead")
    assert len(bus_of_lists.batches) == 2
    second.close()


def test_events_leave_in_the_order_they_were_written_and_are_counted(
    kit_engine: sa.Engine, bus_of_lists: Collected
) -> None:
    facts = sequence(keys=3, length=1500)
    publish(kit_engine, PRODUCER, facts)
    relay = Relay(kit_engine, PRODUCER, bus_of_lists)
    while relay.run_once():
        pass
    relay.close()
    for key in {str(fact["key"]) for fact in facts}:
        data = [data for found, data in bus_of_lists.numbers() if found == key]
        assert len(data) == 1500
        assert data == sorted(data, key=lambda text: int(text.split(b":")[1].split(b",")[0]))
    with kit_engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.sum(published_events.c.events))) == len(facts)
    assert all(batch.events <= EVENTS_MAX for batch in bus_of_lists.batches)


def test_what_the_bus_took_before_it_failed_is_deleted_and_the_rest_stays(
    kit_engine: sa.Engine, bus_of_lists: Collected
) -> None:
    publish(kit_engine, PRODUCER, sequence(keys=1, length=1200))
    bus_of_lists.refuse_after = 2
    relay = Relay(kit_engine, PRODUCER, bus_of_lists)
    with pytest.raises(PublishError):
        relay.run_once()
    assert waiting(kit_engine) == 200
    bus_of_lists.refuse_after = 3
    assert relay.run_once() == 200
    assert len(bus_of_lists.numbers()) == 1200
    relay.close()


@pytest.fixture
def running_relay() -> Callable[[str, Collected], None]:
    threads: list[tuple[threading.Thread, threading.Event]] = []

    def start(url: str, publisher: Collected) -> None:
        stop = threading.Event()
        engine = open_database(url, pool_size=2)
        waker = listen(url, CHANNEL)

        def run() -> None:
            Relay(engine, PRODUCER, publisher).run_until(stop, waker)
            waker.close()
            engine.dispose()

        thread = threading.Thread(target=run)
        thread.start()
        threads.append((thread, stop))

    yield start
    for thread, stop in threads:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def test_all_4_a_relay_goes_on_after_its_database_was_killed(
    postgres_node: PostgresNode, bus_of_lists: Collected, running_relay: Callable[[str, Collected], None]
) -> None:
    url = sqlalchemy_url(postgres_node.url())
    create_probe_database(url)
    engine = open_database(url, pool_size=1)
    publish(engine, PRODUCER, sequence(keys=10, length=1))
    running_relay(url, bus_of_lists)
    wait_until(lambda: len(bus_of_lists.numbers()) == 10, "the first events")
    postgres_node.kill()
    engine.dispose()
    postgres_node.start()
    publish(engine, PRODUCER, sequence(keys=10, length=1))
    # The kill may come between publishing and deleting: then the first ten come twice.
    wait_until(lambda: len(set(bus_of_lists.numbers())) == 20, "the events after the restart")
    wait_until(lambda: waiting(engine) == 0, "an empty outbox")
    engine.dispose()


def test_a_relay_waits_for_a_bus_that_refuses_and_then_publishes(
    kit_engine: sa.Engine, kit_url: str, bus_of_lists: Collected, running_relay: Callable[[str, Collected], None]
) -> None:
    bus_of_lists.refuse_after = 0
    publish(kit_engine, PRODUCER, sequence(keys=5, length=1))
    running_relay(kit_url, bus_of_lists)
    wait_until(lambda: bus_of_lists.closed >= 2, "two failures, after each of which the connection is given back")
    bus_of_lists.refuse_after = 1_000_000
    wait_until(lambda: waiting(kit_engine) == 0, "an empty outbox")
    assert len(bus_of_lists.numbers()) == 5


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_a_batch_reads_back_as_the_events_it_was_made_of(contents: list[bytes]) -> None:
    events = [event_pb2.Event(id=str(number), data=content) for number, content in enumerate(contents)]
    half = len(events) // 2
    pieces = [make_piece([event.SerializeToString() for event in some]) for some in (events[:half], events[half:])]
    batch = make_batch("billing", 5, pieces)
    read = event_pb2.EventBatch.FromString(batch.body)
    assert (list(read.events), read.producer, read.partition) == (events, "billing", 5)
    assert batch.events == len(events)


_ONE_EVENT = st.tuples(st.just(1), st.one_of(st.integers(1, 3000), st.integers(1, 2 * BYTES_MAX)))
_MANY_EVENTS = st.tuples(st.integers(1, EVENTS_MAX), st.integers(1, BYTES_MAX))


@given(st.lists(st.one_of(_ONE_EVENT, _MANY_EVENTS), max_size=1500))
def test_batches_stay_below_both_limits_and_leave_nothing_out(sizes: list[tuple[int, int]]) -> None:
    start = 0
    for count in cut(sizes):
        events, lengths = zip(*sizes[start : start + count], strict=True)
        assert count == 1 or (sum(events) <= EVENTS_MAX and sum(lengths) <= BYTES_MAX)
        start += count
    assert start == len(sizes)


def test_rows_of_the_release_before_are_published_among_the_others(
    kit_engine: sa.Engine, bus_of_lists: Collected
) -> None:
    first, last = sequence(keys=1, length=2), sequence(keys=1, length=3)
    publish(kit_engine, PRODUCER, first)
    with kit_engine.begin() as connection:
        alone = event_pb2.Event(key="alone", data=b"x")
        connection.execute(sa.insert(outbox).values(partition=0, body=alone.SerializeToString()))
    publish(kit_engine, PRODUCER, last)
    relay = Relay(kit_engine, PRODUCER, bus_of_lists)
    assert relay.run_once() == 6
    relay.close()
    keys = [key for key, _ in bus_of_lists.numbers()]
    assert sorted(keys) == sorted(["alone", *(str(fact["key"]) for fact in (*first, *last))])
    with kit_engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.sum(published_events.c.events))) == 6


def test_a_page_of_big_rows_ends_before_it_fills_the_memory(kit_engine: sa.Engine, bus_of_lists: Collected) -> None:
    body = make_piece([event_pb2.Event(data=bytes(PAGE_BYTES_MAX // 4)).SerializeToString()]).body
    with kit_engine.begin() as connection:
        connection.execute(sa.insert(outbox), [{"partition": 0, "events": 1, "body": body}] * 9)
    relay = Relay(kit_engine, PRODUCER, bus_of_lists)
    assert [relay.run_once() for _ in range(4)] == [4, 4, 1, 0]
    relay.close()


def test_a_page_ends_after_so_many_events_however_little_room_they_take(
    kit_engine: sa.Engine, bus_of_lists: Collected
) -> None:
    piece = store(make_piece([event_pb2.Event(data=b"x" * 100).SerializeToString()] * EVENTS_MAX))
    with kit_engine.begin() as connection:
        rows = [{"partition": 0, "events": piece.events, "body": piece.body}] * (PAGE_EVENTS_MAX // EVENTS_MAX + 1)
        connection.execute(sa.insert(outbox), rows)
    relay = Relay(kit_engine, PRODUCER, bus_of_lists)
    assert [relay.run_once() for _ in range(3)] == [PAGE_EVENTS_MAX, EVENTS_MAX, 0]
    relay.close()
