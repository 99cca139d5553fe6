"""The consumer's core: waves, causes, savepoints, parking; no broker, one database."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from boss.events.v1 import event_pb2
from event_probe import DAY, ENTERPRISE, HAPPENED, STATE, Fact, encode
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.context import Actor, Context
from boss_kit.errors import FailedPrecondition, NotFound, Transient
from boss_kit.events import parking
from boss_kit.events.batch import EVENTS_MAX, make_batch, make_piece
from boss_kit.events.consumer import MALFORMED, Consumer, waves
from boss_kit.events.envelope import seal
from boss_kit.events.facts import fact_types, state_types
from boss_kit.events.local_bus import TOGETHER_BYTES_MAX, LocalBus, LocalWorker
from boss_kit.events.received import IncomingEvent, Received, Subscription
from boss_kit.events.topology import DELIVERY_LIMIT, SUSPECT_AFTER, Topology
from boss_kit.ids import new_id
from boss_kit.schema import delivery, inbox, outbox, parked_event, processed_events
from boss_kit.testing.outbox import written_events
from boss_kit.unit_of_work import Transaction, UnitOfWork

Handler = Callable[[Transaction, Sequence[Received[Any]]], object]
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
OLGA = Actor(user="olga", work_role="manager")
STORY = Context(correlation="story", actor=OLGA)


def batch_of(*facts: Fact, context: Context = STORY) -> bytes:
    """Give the message that holds these facts."""
    return make_batch("other", 0, [make_piece([seal("other", encode(fact), context, NOW) for fact in facts])]).body


def fact(n: int = 0, key: UUID | None = None, **more: Any) -> Fact:
    return {"key": key or new_id(), "n": n, **more}


def consumer_of(engine: sa.Engine, handle: Handler) -> Consumer:
    subscriptions = [Subscription(kind, decode=bytes, handle=handle) for kind in (HAPPENED, STATE)]
    return Consumer(UnitOfWork(engine, "test", encode), subscriptions, states={STATE})


def rows(engine: sa.Engine, table: sa.Table) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(table)))


def outgoing(engine: sa.Engine) -> list[event_pb2.Event]:
    with engine.connect() as connection:
        return list(written_events(connection))


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([HAPPENED, STATE])), max_size=60))
def test_waves_have_one_type_and_each_key_once_and_keep_the_order_of_every_key(drawn: list[tuple[int, str]]) -> None:
    events = [
        IncomingEvent(event_pb2.Event(id=str(number), key=str(key), type=kind), "other")
        for number, (key, kind) in enumerate(drawn)
    ]
    cut = list(waves(events))
    for wave in cut:
        assert len({event.type for event in wave}) == 1
        assert len({event.message.key for event in wave}) == len(wave)
    flat = [event for wave in cut for event in wave]
    for key in {event.message.key for event in events}:
        assert [e for e in flat if e.message.key == key] == [e for e in events if e.message.key == key]
    assert len(flat) == len(events)


def test_a_handler_gets_the_envelope_in_the_types_of_the_house(kit_engine: sa.Engine) -> None:
    got: list[Received[bytes]] = []
    sent = fact(n=7, version=3)
    consumer_of(kit_engine, lambda tx, page: got.extend(page)).process(batch_of(sent))
    event = got[0].event
    assert (event.type, event.key, event.subject, event.version) == (HAPPENED, sent["key"], f"things/{sent['key']}", 3)
    assert (event.enterprise_id, event.business_unit_id) == (ENTERPRISE, None)
    assert event.business_date == DAY == date(2026, 3, 14)
    assert event.context == Context(
        enterprise_id=ENTERPRISE, actor=OLGA, correlation="story", causation=str(event.id), business_date=DAY
    )


def test_all_2_a_fact_that_follows_from_an_event_carries_its_correlation_its_actor_and_its_id(
    kit_engine: sa.Engine,
) -> None:
    def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        for received in page:
            tx.publish(fact(), cause=received)

    received_ids: list[str] = []
    consumer = consumer_of(kit_engine, handle)
    for story in ("first", "second"):
        body = batch_of(fact(), context=Context(correlation=story, actor=OLGA))
        received_ids.append(event_pb2.EventBatch.FromString(body).events[0].id)
        consumer.process(body)
    sent = outgoing(kit_engine)
    assert [event.correlation for event in sent] == ["first", "second"]
    assert [event.causation for event in sent] == received_ids
    assert {event.actor for event in sent} == {OLGA.to_json()}


def test_a_fact_without_a_cause_is_refused_and_its_event_parked(kit_engine: sa.Engine) -> None:
    consumer_of(kit_engine, lambda tx, page: tx.publish(fact())).process(batch_of(fact()))
    assert rows(kit_engine, outbox) == []
    assert "name the event this fact follows from" in rows(kit_engine, parked_event)[0].error


def test_a_task_enqueued_for_an_event_carries_its_story(kit_engine: sa.Engine) -> None:
    def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        tx.enqueue("look", key="one", cause=page[0])

    consumer_of(kit_engine, handle).process(batch_of(fact()))
    with kit_engine.connect() as connection:
        task = connection.execute(sa.text("SELECT enterprise_id, correlation, business_date FROM task")).one()
    assert tuple(task) == (ENTERPRISE, "story", DAY)


def test_what_a_failed_event_wrote_and_published_is_gone_and_the_others_stays(kit_engine: sa.Engine) -> None:
    def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        for received in page:
            tx.publish(fact(n=int(b'"n": 1' in received.fact)), cause=received)
            if b'"n": 1' in received.fact:
                raise ValueError("no")

    consumer_of(kit_engine, handle).process(batch_of(fact(0), fact(1), fact(0)))
    assert [b'"n": 0' in event.data for event in outgoing(kit_engine)] == [True, True]
    assert len(rows(kit_engine, parked_event)) == 1
    assert len(rows(kit_engine, inbox)) == 3


def test_an_event_that_breaks_a_constraint_is_parked_like_any_other(kit_engine: sa.Engine) -> None:
    def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        tx.connection.execute(sa.text("INSERT INTO test_clock (id, now) VALUES (1, now())"))

    consumer_of(kit_engine, handle).process(batch_of(fact(), fact()))
    # Together they break it once; one by one the first goes through.
    consumer_of(kit_engine, handle).process(batch_of(fact()))
    assert ["UniqueViolation" in row.error for row in rows(kit_engine, parked_event)] == [True]


def test_an_event_is_tried_three_times_before_it_is_parked(kit_engine: sa.Engine) -> None:
    tries: list[int] = []

    def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        tries.append(len(page))
        raise ValueError("no")

    consumer_of(kit_engine, handle).process(batch_of(fact(), fact()))
    assert tries == [2, 1, 1, 1, 1, 1, 1]


def test_a_transient_error_leaves_nothing_behind(kit_engine: sa.Engine) -> None:
    def handle(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        tx.publish(fact(), cause=page[0])
        raise Transient("AWAY", "try again")

    with pytest.raises(Transient):
        consumer_of(kit_engine, handle).process(batch_of(fact()))
    assert [rows(kit_engine, table) for table in (inbox, outbox, parked_event, processed_events)] == [[], [], [], []]


def test_a_message_that_is_no_batch_is_parked_once(kit_engine: sa.Engine) -> None:
    consumer = consumer_of(kit_engine, lambda tx, page: None)
    for _ in range(2):
        consumer.process(b"\xff\xffnot a batch")
    (row,) = rows(kit_engine, parked_event)
    assert row.type == MALFORMED
    assert event_pb2.Event.FromString(row.body).data == b"\xff\xffnot a batch"


def test_an_event_with_broken_ids_is_parked_and_not_in_the_way(kit_engine: sa.Engine) -> None:
    got: list[Received[bytes]] = []
    broken = event_pb2.Event(id="one", key="two", enterprise="three", type=HAPPENED)
    good = seal("other", encode(fact()), Context(), NOW)
    body = make_batch("other", 0, [make_piece([broken.SerializeToString(), good])]).body
    consumer_of(kit_engine, lambda tx, page: got.extend(page)).process(body)
    assert len(rows(kit_engine, inbox)) == 2
    assert len(got) == 2, "with usable ids in place of the broken ones it goes through like any other"


def test_the_same_event_twice_in_one_batch_is_once(kit_engine: sa.Engine) -> None:
    got: list[Received[bytes]] = []
    one, two = (seal("other", encode(fact()), Context(), NOW) for _ in range(2))
    batch = make_batch("other", 0, [make_piece([one, two, one])])
    consumer_of(kit_engine, lambda tx, page: got.extend(page)).process(batch.body)
    assert len(got) == 2
    assert rows(kit_engine, processed_events)[0].events == 2


def test_replay_starts_at_the_first_parked_event_of_a_key(kit_engine: sa.Engine) -> None:
    def fail(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        raise ValueError("no")

    key = new_id()
    consumer = consumer_of(kit_engine, fail)
    consumer.process(batch_of(fact(0, key), fact(1, key)))
    first, second = rows(kit_engine, parked_event)
    with pytest.raises(FailedPrecondition, match=f"Parked event {first.id} of the same key comes first"):
        parking.replay(consumer, second.id)
    with kit_engine.begin() as connection:
        parking.drop(connection, first.id)
    working = consumer_of(kit_engine, lambda tx, page: None)
    assert parking.replay(working, second.id) == parking.Replayed(1)
    with pytest.raises(NotFound):
        parking.replay(working, second.id)


def test_parked_events_are_listed_by_page_and_enterprise(kit_engine: sa.Engine) -> None:
    def fail(tx: Transaction, page: Sequence[Received[bytes]]) -> None:
        raise ValueError("no")

    consumer_of(kit_engine, fail).process(batch_of(*(fact() for _ in range(5))))
    with kit_engine.connect() as connection:
        first = parking.list_parked(connection, page_size=3)
        rest = parking.list_parked(connection, page_size=3, after_id=first[-1].id)
        assert (len(first), len(rest)) == (3, 2)
        assert parking.list_parked(connection, page_size=3, enterprise_id=new_id()) == []
        assert len(parking.list_parked(connection, page_size=9, enterprise_id=ENTERPRISE)) == 5
        assert parking.get_parked(connection, first[0].id).event.id == first[0].event.id
        with pytest.raises(NotFound):
            parking.get_parked(connection, rest[-1].id + 1)


def test_the_local_bus_parks_an_event_untried_after_it_ended_worker_after_worker(kit_engine: sa.Engine) -> None:
    deaths = DELIVERY_LIMIT + SUSPECT_AFTER
    got: list[Received[bytes]] = []
    bus = LocalBus(Topology({"test": frozenset(["other"])}), {"test": kit_engine})
    facts = [fact(n) for n in range(3)]
    bus.publish(make_batch("other", 0, [make_piece([seal("other", encode(one), Context(), NOW) for one in facts])]))
    with kit_engine.begin() as connection:
        connection.execute(sa.update(delivery).values(attempts=deaths))
    worker = LocalWorker(consumer_of(kit_engine, lambda tx, page: got.extend(page)))
    while worker.run_once():
        pass
    worker.close()
    assert [received.event.key for received in got] == [one["key"] for one in facts[1:]]
    assert [row.key for row in rows(kit_engine, parked_event)] == [facts[0]["key"]]
    assert rows(kit_engine, delivery) == []


def test_the_local_bus_hands_over_small_batches_together_and_big_ones_alone(kit_engine: sa.Engine) -> None:
    pages: list[int] = []
    consumer = consumer_of(kit_engine, lambda tx, page: pages.append(len(page)))
    bus = LocalBus(Topology({"test": frozenset(["other"])}), {"test": kit_engine})
    for events in (1, 2, 3, EVENTS_MAX, EVENTS_MAX, EVENTS_MAX):
        bodies = [seal("other", encode(fact()), STORY, NOW) for _ in range(events)]
        padding = Random(1).randbytes(TOGETHER_BYTES_MAX if events == EVENTS_MAX else 1)
        padded = event_pb2.Event(type="test.nobody.v1.asked", id=str(new_id()), key=str(new_id()), data=padding)
        bus.publish(make_batch("other", 0, [make_piece([*bodies, padded.SerializeToString()])]))
    worker = LocalWorker(consumer)
    while worker.run_once():
        pass
    worker.close()
    assert pages == [6, EVENTS_MAX, EVENTS_MAX, EVENTS_MAX]
    assert rows(kit_engine, parked_event) == rows(kit_engine, delivery) == []


def test_every_published_fact_says_whether_it_is_state_or_occurrence() -> None:
    assert "boss.agreements.agreement.v1.changed" in state_types()
    assert "boss.billing.payment.v1.declined" not in state_types()
    assert fact_types()["boss.billing.payment.v1.declined"].message.DESCRIPTOR.name == "PaymentDeclined"
