"""Parked events, for the operator."""

from typing import Any
from uuid import uuid4

import pytest
from boss.events.v1 import event_pb2
from boss.platform.v1 import parked_event_service_pb2 as pb
from boss.platform.v1 import parked_event_service_pb2_grpc

from boss_kit.errors import NotFound
from boss_kit.events.consumer import Consumer
from boss_kit.events.parking import park
from boss_kit.events.received import IncomingEvent, Subscription
from boss_kit.platform import add_platform
from boss_kit.testing.server import Serving
from boss_kit.unit_of_work import UnitOfWork

KIND = "boss.test.thing.v1.done"


@pytest.fixture
def done() -> Any:
    return []


@pytest.fixture
def parked_events(serving: Serving, units: UnitOfWork, done: list[Any]) -> Any:
    def handle(_tx: Any, received: Any) -> None:
        if any(one.fact == b"bad" for one in received):
            raise ValueError("still bad")
        done.extend(one.fact for one in received)

    consumer = Consumer(units, [Subscription(KIND, bytes, handle)], states=())
    running = serving("test", [lambda server: add_platform(server, units, consumer, ())])
    return running.stub(parked_event_service_pb2_grpc.ParkedEventServiceStub)


def park_one(units: UnitOfWork, key: Any, data: Any) -> None:
    event = event_pb2.Event(id=str(uuid4()), type=KIND, key=str(key), enterprise=str(uuid4()), data=data)
    event.business_date.year, event.business_date.month, event.business_date.day = 2026, 1, 1
    with units.engine.begin() as connection:
        park(connection, 0, IncomingEvent(event, "arm"), "it failed")


def test_all_3_parked_events_are_listed_in_pages_and_shown(parked_events: Any, units: UnitOfWork) -> None:
    for number in range(3):
        park_one(units, uuid4(), bytes([number]))
    first = parked_events.ListParkedEvents(pb.ListParkedEventsRequest(page_size=2))
    rest = parked_events.ListParkedEvents(pb.ListParkedEventsRequest(page_size=2, page_token=first.next_page_token))
    found = [*first.parked_events, *rest.parked_events]
    assert [one.event.data for one in found] == [b"\0", b"\1", b"\2"]
    shown = parked_events.GetParkedEvent(pb.GetParkedEventRequest(parked_event_id=found[1].parked_event_id))
    assert (shown, shown.error) == (found[1], "it failed")


def test_a_replay_processes_an_event_and_those_behind_it(
    parked_events: Any, units: UnitOfWork, done: list[Any]
) -> None:
    key = uuid4()
    for data in (b"one", b"two"):
        park_one(units, key, data)
    first = parked_events.ListParkedEvents(pb.ListParkedEventsRequest()).parked_events[0].parked_event_id
    request = pb.ReplayParkedEventRequest(parked_event_id=first, request_id=str(uuid4()))
    answer = parked_events.ReplayParkedEvent(request)
    assert (answer.replayed_events, answer.error, done) == (2, "", [b"one", b"two"])
    assert parked_events.ReplayParkedEvent(request) == answer


def test_a_replay_that_fails_again_says_why(parked_events: Any, units: UnitOfWork) -> None:
    park_one(units, uuid4(), b"bad")
    (parked,) = parked_events.ListParkedEvents(pb.ListParkedEventsRequest()).parked_events
    request = pb.ReplayParkedEventRequest(parked_event_id=parked.parked_event_id, request_id=str(uuid4()))
    answer = parked_events.ReplayParkedEvent(request)
    assert (answer.replayed_events, answer.error) == (0, "ValueError: still bad")


def test_a_dropped_event_is_gone(parked_events: Any, units: UnitOfWork) -> None:
    park_one(units, uuid4(), b"bad")
    (parked,) = parked_events.ListParkedEvents(pb.ListParkedEventsRequest()).parked_events
    parked_events.DropParkedEvent(
        pb.DropParkedEventRequest(parked_event_id=parked.parked_event_id, request_id=str(uuid4()))
    )
    assert not parked_events.ListParkedEvents(pb.ListParkedEventsRequest()).parked_events


def test_an_unknown_parked_event_is_not_found(parked_events: Any) -> None:
    for call in (
        lambda: parked_events.GetParkedEvent(pb.GetParkedEventRequest(parked_event_id=7)),
        lambda: parked_events.ReplayParkedEvent(
            pb.ReplayParkedEventRequest(parked_event_id=7, request_id=str(uuid4()))
        ),
        lambda: parked_events.DropParkedEvent(pb.DropParkedEventRequest(parked_event_id=7, request_id=str(uuid4()))),
    ):
        with pytest.raises(NotFound):
            call()
