"""What both buses owe a service (DESIGN 3, 8): the same tests run on RabbitMQ and on the local bus."""

import signal
from collections import defaultdict
from uuid import UUID

from event_bus import Bus
from event_probe import HAPPENED, STATE, UNKNOWN, allow, make_consumer, sequence

from boss_kit.events import parking
from boss_kit.ids import new_id, partition_of
from boss_kit.schema import inbox, parked_event

NEVER_S = 3600.0


def numbers_by_key(bus: Bus) -> dict[UUID, list[int]]:
    """Give what the consumer wrote down for each key, in its order."""
    numbers = defaultdict(list)
    for row in bus.effects():
        numbers[row.key].append(row.n)
    return dict(numbers)


def test_all_4_every_event_of_a_committed_transaction_takes_effect_once(bus: Bus) -> None:
    facts = sequence(keys=300, length=5)
    bus.start_worker()
    bus.publish(*facts)
    bus.wait_for(len(facts))
    assert len(bus.effects()) == len(facts)
    assert bus.published() == bus.processed() == bus.count(inbox) == len(facts)


def test_events_of_one_key_take_effect_in_their_order(bus: Bus) -> None:
    bus.publish(*(facts := sequence(keys=7, length=200)))
    bus.start_worker()
    bus.wait_for(len(facts))
    assert all(numbers == list(range(200)) for numbers in numbers_by_key(bus).values())


def test_all_4_a_batch_comes_again_when_its_worker_is_killed(bus: Bus) -> None:
    allow(bus.to_engine, "die", times=1)
    facts = sequence(keys=50, length=3)
    facts[-1]["mischief"] = "die"
    bus.publish(*facts)
    assert bus.start_worker().wait(30) == -signal.SIGKILL
    bus.start_worker()
    bus.wait_for(len(facts))
    assert all(numbers == [0, 1, 2] for numbers in numbers_by_key(bus).values())
    assert len(bus.effects()) == len(facts)


def test_all_3_a_batch_that_comes_twice_takes_effect_once(bus: Bus) -> None:
    publisher = bus.publisher()

    class Twice:
        idle, close = publisher.idle, publisher.close

        def publish(self, batch):  # type: ignore[no-untyped-def]
            publisher.publish(batch)
            publisher.publish(batch)

    bus.publisher = Twice  # type: ignore[method-assign]
    bus.start_worker()
    facts = sequence(keys=40, length=4)
    bus.publish(*facts)
    bus.publisher = lambda: publisher  # type: ignore[method-assign]
    bus.publish(*sequence(keys=40, length=1))
    bus.wait_for(len(facts) + 40)
    assert len(bus.effects()) == len(facts) + 40


def test_an_event_that_fails_for_good_is_parked_with_those_behind_it(bus: Bus) -> None:
    allow(bus.to_engine, "bad", times=1000)
    facts = sequence(keys=5, length=4)
    facts[5]["mischief"] = "bad"
    bad = facts[5]["key"]
    bus.publish(*facts)
    bus.start_worker()
    bus.wait_for(len(facts))
    bus.publish({"key": bad, "n": 4})
    bus.wait_for(len(facts) + 1)
    numbers = numbers_by_key(bus)
    assert numbers.pop(bad) == [0]
    assert list(numbers.values()) == [[0, 1, 2, 3]] * 4
    with bus.to_engine.connect() as connection:
        errors = [parked.error for parked in parking.list_parked(connection, page_size=10)]
    assert errors == ["ValueError: mischief: bad", parking.BEHIND, parking.BEHIND, parking.BEHIND]


def test_replay_processes_the_parked_event_and_those_behind_it_in_order(bus: Bus) -> None:
    allow(bus.to_engine, "bad", times=1000)
    key = new_id()
    bus.publish(*({"key": key, "n": n, "mischief": "bad" if n == 1 else ""} for n in range(4)))
    bus.start_worker()
    bus.wait_for(4)
    consumer = make_consumer(bus.to_engine, bus.consumer)
    with bus.to_engine.connect() as connection:
        first = parking.list_parked(connection, page_size=1)[0]
    assert parking.replay(consumer, first.id) == parking.Replayed(0, "ValueError: mischief: bad")
    allow(bus.to_engine, "bad", times=0)
    assert parking.replay(consumer, first.id) == parking.Replayed(3)
    bus.publish({"key": key, "n": 4})
    bus.wait_for(5)
    assert numbers_by_key(bus) == {key: [0, 1, 2, 3, 4]}
    assert bus.count(parked_event) == 0


def test_all_4_a_transient_error_keeps_the_batch_and_parks_nothing(bus: Bus) -> None:
    allow(bus.to_engine, "away", times=4)
    facts = sequence(keys=20, length=2)
    facts[0]["mischief"] = "away"
    bus.publish(*facts)
    bus.start_worker()
    bus.wait_for(len(facts))
    assert len(bus.effects()) == len(facts)
    assert bus.count(parked_event) == 0


def test_an_event_of_an_unknown_type_is_counted_and_nothing_else(bus: Bus) -> None:
    key = new_id()
    bus.publish({"key": key, "n": 0, "type": UNKNOWN}, {"key": key, "n": 1})
    bus.start_worker()
    bus.wait_for(2)
    assert [row.type for row in bus.effects()] == [HAPPENED]
    assert bus.count(inbox) == 2


def test_a_state_older_than_the_one_seen_is_skipped_and_an_occurrence_never(bus: Bus) -> None:
    key = new_id()
    versions = [3, 1, 2, 4, 4]
    bus.publish(*({"key": key, "n": version, "type": STATE, "version": version} for version in versions))
    bus.publish({"key": key, "n": 2, "type": STATE, "version": 2}, {"key": key, "n": 2, "type": HAPPENED, "version": 2})
    bus.start_worker()
    bus.wait_for(7)
    assert [(row.type, row.n) for row in bus.effects()] == [(STATE, 3), (STATE, 4), (STATE, 4), (HAPPENED, 2)]


def test_two_workers_share_the_partitions(bus: Bus) -> None:
    first, second = (bus.start_worker(index, of=2, standby_after_s=NEVER_S) for index in range(2))
    facts = sequence(keys=200, length=3)
    bus.publish(*facts)
    bus.wait_for(len(facts))
    by_worker = defaultdict(set)
    for row in bus.effects():
        by_worker[row.worker].add(partition_of(row.key) % 2)
    assert by_worker == {first.pid: {0}, second.pid: {1}}


def test_all_4_a_standby_takes_over_from_a_worker_that_was_killed(bus: Bus) -> None:
    first = bus.start_worker(index=0, of=2, standby_after_s=0.1)
    bus.publish(*(facts := sequence(keys=100, length=1)))
    bus.wait_for(len(facts))
    second = bus.start_worker(index=1, of=2, standby_after_s=0.1)
    first.kill()
    bus.publish(*(more := sequence(keys=100, length=2)))
    bus.wait_for(len(facts) + len(more))
    assert [row.worker for row in bus.effects()] == [first.pid] * len(facts) + [second.pid] * len(more)


def test_a_worker_ends_in_order_when_asked_to(bus: Bus) -> None:
    worker = bus.start_worker()
    bus.publish(*(facts := sequence(keys=10, length=1)))
    bus.wait_for(len(facts))
    worker.terminate()
    assert worker.wait(20) == 0
