"""The test clock and the status."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from boss.platform.v1 import clock_service_pb2 as pb
from boss.platform.v1 import clock_service_pb2_grpc

from boss_kit import schema
from boss_kit.context import Context
from boss_kit.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from boss_kit.events.consumer import Consumer
from boss_kit.ids import new_id
from boss_kit.platform import add_platform
from boss_kit.rpc.convert import time_to_proto
from boss_kit.testing.server import ServerUnderTest, Serving
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork, no_facts

FIRST = datetime(2026, 1, 1, 18, tzinfo=UTC)
NEXT = datetime(2026, 1, 2, 18, tzinfo=UTC)


@pytest.fixture
def clock(platform: ServerUnderTest) -> Any:
    return platform.stub(clock_service_pb2_grpc.ClockServiceStub)


def advance(clock: Any, instant: datetime) -> Any:
    return clock.AdvanceClock(pb.AdvanceClockRequest(time=time_to_proto(instant), request_id=str(uuid4())))


def test_the_clock_goes_forward_and_every_transaction_reads_it(clock: Any, units: UnitOfWork) -> None:
    assert advance(clock, FIRST).time.ToDatetime(tzinfo=UTC) == FIRST
    advance(clock, NEXT)
    with units.read(Context()) as tx:
        assert tx.now == NEXT
    assert clock.GetStatus(pb.GetStatusRequest()).time.ToDatetime(tzinfo=UTC) == NEXT


def test_the_clock_never_goes_back(clock: Any) -> None:
    advance(clock, NEXT)
    with pytest.raises(FailedPrecondition) as caught:
        advance(clock, FIRST)
    assert caught.value.reason == "CLOCK_RUNS_FORWARD"
    advance(clock, NEXT)


@pytest.mark.parametrize("year", [1899, 2200, 9999])
def test_the_clock_stays_within_the_years_of_a_club(clock: Any, year: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        advance(clock, datetime(year, 12, 31, tzinfo=UTC))
    assert caught.value.violations[0].field == "time"


def test_the_clock_needs_a_time(clock: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        clock.AdvanceClock(pb.AdvanceClockRequest(request_id=str(uuid4())))
    assert caught.value.violations[0].field == "time"


def test_only_the_platform_operator_moves_the_clock(platform: ServerUnderTest, tokens: TokenMaker) -> None:
    for roles in (["controller"], ["club_manager", "front_desk"]):
        stub = platform.stub(clock_service_pb2_grpc.ClockServiceStub, tokens.token("anna", roles))
        with pytest.raises(PermissionDenied):
            advance(stub, FIRST)


def test_an_installation_without_a_test_clock_has_none_to_move(serving: Serving, kit_engine: sa.Engine) -> None:
    units = UnitOfWork(kit_engine, "test", no_facts)
    running = serving("test", [lambda server: add_platform(server, units, Consumer(units, ()), ())])
    with pytest.raises(FailedPrecondition) as caught:
        advance(running.stub(clock_service_pb2_grpc.ClockServiceStub), FIRST)
    assert caught.value.reason == "NO_TEST_CLOCK"


def test_the_status_counts_what_is_left_to_do(clock: Any, units: UnitOfWork) -> None:
    with units.engine.begin() as connection:
        for events in (0, 2):
            connection.execute(sa.insert(schema.outbox).values(partition=1, events=events, body=b"x"))
        for state, key in (("pending", "a"), ("pending", "every/x"), ("done", "b"), ("failed", "c")):
            row = {"id": new_id(), "enterprise_id": new_id(), "name": "t", "key": key, "args": {}, "state": state}
            connection.execute(sa.insert(schema.task).values(row))
        connection.execute(sa.insert(schema.published_events).values(partition=2, events=7))
        connection.execute(sa.insert(schema.processed_events).values(producer="arm", partition=3, events=9))
    status = clock.GetStatus(pb.GetStatusRequest())
    assert (status.service, status.outbox_events, status.open_tasks, status.failed_tasks) == ("test", 3, 1, 1)
    assert list(status.published) == [pb.StreamCount(producer="test", partition=2, events=7)]
    assert list(status.processed) == [pb.StreamCount(producer="arm", partition=3, events=9)]


def test_the_status_waits_until_the_work_is_done_and_what_is_awaited_is_processed(
    clock: Any, units: UnitOfWork
) -> None:
    with units.engine.begin() as connection:
        connection.execute(sa.insert(schema.outbox).values(partition=1, events=1, body=b"x"))
    awaited = [pb.StreamCount(producer="arm", partition=3, events=9)]
    request = pb.GetStatusRequest(wait_ms=10_000, awaited=awaited)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(clock.GetStatus, request)
        with units.engine.begin() as connection:
            connection.execute(sa.delete(schema.outbox))
        assert not waiting.done()
        with units.engine.begin() as connection:
            connection.execute(sa.insert(schema.processed_events).values(producer="arm", partition=3, events=9))
        assert list(waiting.result().processed) == awaited


def test_the_status_answers_when_the_time_is_over_or_a_person_is_needed(clock: Any, units: UnitOfWork) -> None:
    row = {"id": new_id(), "enterprise_id": new_id(), "name": "t", "key": "a", "args": {}, "state": "pending"}
    with units.engine.begin() as connection:
        connection.execute(sa.insert(schema.task).values(row))
    assert clock.GetStatus(pb.GetStatusRequest(wait_ms=20)).open_tasks == 1
    with units.engine.begin() as connection:
        connection.execute(sa.update(schema.task).values(state="failed"))
    assert clock.GetStatus(pb.GetStatusRequest(wait_ms=10_000)).failed_tasks == 1


def test_the_status_may_wait_for_tasks_alone(clock: Any, units: UnitOfWork) -> None:
    with units.engine.begin() as connection:
        connection.execute(sa.insert(schema.outbox).values(partition=1, events=1, body=b"x"))
    assert clock.GetStatus(pb.GetStatusRequest(wait_ms=10_000, tasks_only=True)).outbox_events == 1
