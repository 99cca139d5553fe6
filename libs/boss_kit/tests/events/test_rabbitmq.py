"""What only a broker can do wrong: vanish under load, have no queue, give a deadly batch again and again."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
import pytest
from event_bus import Bus, wait_until
from event_probe import allow, encode, publish, sequence

from boss_kit.context import Context
from boss_kit.events import parking
from boss_kit.events.batch import make_batch, make_piece
from boss_kit.events.envelope import seal
from boss_kit.events.outbox import CHANNEL
from boss_kit.events.rabbit import RabbitPublisher
from boss_kit.events.relay import PublishError, Relay
from boss_kit.events.topology import (
    DEAD_EXCHANGE,
    DELIVERY_LIMIT,
    EXCHANGE,
    NEW_QUEUE_UNSAFE_S,
    SUSPECT_AFTER,
    Topology,
    dead_letter_queue_name,
    load_topology,
    queue_name,
    routing_key,
)
from boss_kit.ids import PARTITIONS, partition_of
from boss_kit.nodes.rabbitmq import RabbitNode
from boss_kit.tasks import listen
from boss_kit.unit_of_work import UnitOfWork

EMPTY_PIECE = make_piece([b""])


def _declare(bus: Bus) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(bus.amqp_url))
    bus.topology.declare(connection.channel())
    connection.close()


@contextmanager
def _relaying(bus: Bus) -> Iterator[None]:
    """Let a relay run meanwhile, which ends with the test, however that ends."""
    stop = threading.Event()
    waker = listen(bus.producer_url, CHANNEL)
    relay = Relay(bus.from_engine, bus.producer, bus.publisher())
    thread = threading.Thread(target=relay.run_until, args=(stop, waker), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        waker.close()


def test_all_4_a_broker_killed_under_load_loses_nothing(
    rabbit_node: RabbitNode, open_bus: Callable[[str], Bus]
) -> None:
    bus = open_bus(rabbit_node.url)
    _declare(bus)
    safe_at = time.monotonic() + NEW_QUEUE_UNSAFE_S
    bus.start_worker()
    committed = 0
    with _relaying(bus):
        for _ in range(2):
            for _ in range(20):
                publish(bus.from_engine, bus.producer, sequence(keys=250, length=2))
            committed += 10_000
            enough = committed - 9_000
            wait_until(
                lambda enough=enough: bus.processed() > enough and time.monotonic() > safe_at, "events on their way"
            )
            # Whatever was done meanwhile, the broker dies with work in hand.
            publish(bus.from_engine, bus.producer, sequence(keys=250, length=2))
            rabbit_node.kill()
            publish(bus.from_engine, bus.producer, sequence(keys=250, length=2))
            committed += 1_000
            rabbit_node.start()
        bus.wait_for(committed)
        wait_until(lambda: bus.published() == committed, "an empty outbox")
    assert len(bus.effects()) == bus.processed() == committed


def test_a_batch_without_a_queue_is_refused_and_passes_once_the_queue_is_there_again(rabbit_bus: Bus) -> None:
    publisher = rabbit_bus.publisher()
    batches = {partition: make_batch(rabbit_bus.producer, partition, [EMPTY_PIECE]) for partition in range(PARTITIONS)}
    publisher.publish(batches[3])
    connection = pika.BlockingConnection(pika.URLParameters(rabbit_bus.amqp_url))
    connection.channel().queue_delete(queue_name(rabbit_bus.consumer, 3))
    connection.close()
    with pytest.raises(PublishError):
        publisher.publish(batches[3])
    publisher.publish(batches[4])
    publisher.close()
    publisher.publish(batches[3])
    publisher.close()


def test_facts_that_nobody_subscribes_to_are_published_and_forgotten(rabbit_bus: Bus) -> None:
    lonely = RabbitPublisher(rabbit_bus.amqp_url, rabbit_bus.topology, "nobody_listens")
    lonely.publish(make_batch("nobody_listens", 0, [EMPTY_PIECE]))
    lonely.close()


def test_queues_can_be_declared_again_and_again(rabbit_bus: Bus) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(rabbit_bus.amqp_url))
    for _ in range(2):
        rabbit_bus.topology.declare(connection.channel())
    connection.close()


def test_a_batch_that_is_given_back_too_often_becomes_a_dead_letter(rabbit_bus: Bus) -> None:
    publisher = rabbit_bus.publisher()
    publisher.publish(make_batch(rabbit_bus.producer, 0, [EMPTY_PIECE]))
    publisher.close()
    connection = pika.BlockingConnection(pika.URLParameters(rabbit_bus.amqp_url))
    channel = connection.channel()
    channel.basic_consume(
        queue_name(rabbit_bus.consumer, 0), lambda _channel, method, *_: channel.basic_reject(method.delivery_tag)
    )
    _, _, body = next(channel.consume(dead_letter_queue_name(rabbit_bus.consumer), inactivity_timeout=30))
    assert body == make_batch(rabbit_bus.producer, 0, [EMPTY_PIECE]).body
    connection.close()


def test_an_event_that_kills_every_worker_is_parked_and_its_batch_goes_on(rabbit_bus: Bus) -> None:
    allow(rabbit_bus.to_engine, "die", times=1000)
    facts = [fact for fact in sequence(keys=200, length=2) if partition_of(fact["key"]) == 0]
    deadly = facts[1]
    deadly["mischief"] = "die"
    _publish_dead_letter(rabbit_bus, facts)
    for _ in range(SUSPECT_AFTER):
        assert rabbit_bus.start_worker().wait(60) == -signal.SIGKILL
    rabbit_bus.start_worker()
    rabbit_bus.wait_for(len(facts))
    with rabbit_bus.to_engine.connect() as connection:
        parked = parking.list_parked(connection, page_size=10)
    assert {entry.event.key for entry in parked} == {deadly["key"]}
    assert len(rabbit_bus.effects()) == len(facts) - len(parked)


def _publish_dead_letter(bus: Bus, facts: list[dict[str, object]]) -> None:
    """Put a batch where the broker puts it after too many deliveries."""
    with UnitOfWork(bus.from_engine, bus.producer, encode).begin(Context()) as tx:
        bodies = [seal(bus.producer, encode(fact), Context(), tx.now) for fact in facts]
    connection = pika.BlockingConnection(pika.URLParameters(bus.amqp_url))
    channel = connection.channel()
    bus.topology.declare(channel)
    channel.basic_publish(DEAD_EXCHANGE, bus.consumer, make_batch(bus.producer, 0, [make_piece(bodies)]).body)
    connection.close()


def test_the_published_topology_says_who_subscribes_to_whom() -> None:
    topology = load_topology()
    assert "billing" in topology.consumers
    assert "arm" in topology.subscribers("billing")
    assert "arm" not in topology.only(["billing"]).subscribers("billing")
    with pytest.raises(LookupError, match="nobody"):
        topology.only(["nobody"])


def test_routes_and_queues_have_the_names_that_are_promised() -> None:
    assert (EXCHANGE, routing_key("billing", 3)) == ("boss.events", "billing.3")
    assert queue_name("arm", 3) == "boss.arm.3.v1"
    assert DELIVERY_LIMIT == 20


def test_only_the_consumers_of_a_producer_are_declared_for_it() -> None:
    topology = Topology({"a": frozenset({"x"}), "b": frozenset({"x", "y"}), "c": frozenset()})
    assert set(topology.of_producer("x").consumers) == {"a", "b"}
    assert set(topology.of_producer("y").consumers) == {"b"}
