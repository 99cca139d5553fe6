"""The installation's time, and whether a service's work is done."""

import time
from datetime import UTC, datetime
from typing import Any

import grpc
import sqlalchemy as sa
from boss.platform.v1 import clock_service_pb2, clock_service_pb2_grpc
from sqlalchemy.dialects.postgresql import insert

from boss_kit import rests, schema
from boss_kit.days import FIRST_YEAR, LAST_YEAR
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.jobs import TECHNICAL_KEY
from boss_kit.rpc.convert import time_from_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction, UnitOfWork

_CLOCK_ROW = 1
# Looking often would take from the work what it waits for.
LOOK_AGAIN_S, LOOK_AGAIN_S_MAX, LOOK_AGAIN_GROWTH = 0.004, 0.016, 1.3
# Where the work is done by loops of this process, they say when it is worth a look.
TOLD_S_MAX = 0.1
# Polled a lot: one statement, whose counts stand on indexes or on tables that are nearly empty.
_STATUS = sa.text(
    "SELECT (SELECT now FROM test_clock) AS test_time,"
    " (SELECT coalesce(sum(greatest(events, 1)), 0) FROM outbox) AS outbox,"
    " (SELECT count(*) FROM task WHERE state = 'pending' AND key NOT LIKE :technical) AS open_tasks,"
    " (SELECT count(*) FROM task WHERE state = 'failed') AS failed_tasks,"
    " (SELECT count(*) FROM parked_event) AS parked,"
    " (SELECT coalesce(json_agg(json_build_array(partition, events) ORDER BY partition), '[]')"
    "  FROM published_events) AS published,"
    " (SELECT coalesce(json_agg(json_build_array(producer, partition, events) ORDER BY producer, partition), '[]')"
    "  FROM processed_events) AS processed"
)


class ClockServicer(clock_service_pb2_grpc.ClockServiceServicer):
    """Answers for one service."""

    def __init__(self, door: Door, units: UnitOfWork) -> None:
        self._door = door
        self._units = units
        # One statement is one snapshot, without the calls that would begin and end a transaction.
        self._engine = units.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._database = rests.plain_url(units.engine.url)

    def AdvanceClock(self, request: Any, context: grpc.ServicerContext) -> clock_service_pb2.AdvanceClockResponse:
        """Move the test clock forward."""
        if not self._units.test_clock:
            raise FailedPrecondition(
                "NO_TEST_CLOCK",
                "This installation goes by the wall clock; BOSS_TEST_CLOCK=on makes it one that can be driven.",
            )
        wanted = time_from_proto(request.time)
        if not FIRST_YEAR <= wanted.year <= LAST_YEAR:
            # There is no way back, and at the calendar's end there isn't even a tomorrow.
            raise InvalidArgument.field("time", f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")

        def advance(tx: Transaction) -> clock_service_pb2.AdvanceClockResponse:
            _advance(tx.connection, wanted)
            return clock_service_pb2.AdvanceClockResponse(time=time_to_proto(wanted))

        return self._door.command(request, advance)

    def GetStatus(self, request: Any, context: grpc.ServicerContext) -> clock_service_pb2.GetStatusResponse:
        """Say what is left to do, or wait until nothing is: a driver that asks again and again costs more."""
        deadline, pause_s = time.monotonic() + request.wait_ms / 1000, LOOK_AGAIN_S
        while True:
            rested = rests.count(self._database)
            status = self._status()
            timeout_s = TOLD_S_MAX if rested else pause_s
            is_over = time.monotonic() + pause_s > deadline or not context.is_active()
            if is_over or _is_settled(status, request):
                return status
            rests.wait(self._database, rested, min(timeout_s, deadline - time.monotonic()))
            pause_s = min(pause_s * LOOK_AGAIN_GROWTH, LOOK_AGAIN_S_MAX)

    def _status(self) -> clock_service_pb2.GetStatusResponse:
        with self._engine.connect() as connection:
            row = connection.execute(_STATUS, {"technical": f"{TECHNICAL_KEY}/%"}).one()
        count = clock_service_pb2.StreamCount
        return clock_service_pb2.GetStatusResponse(
            service=self._units.service,
            time=time_to_proto(row.test_time if self._units.test_clock and row.test_time else datetime.now(UTC)),
            outbox_events=row.outbox,
            open_tasks=row.open_tasks,
            failed_tasks=row.failed_tasks,
            parked_events=row.parked,
            published=[
                count(producer=self._units.service, partition=partition, events=events)
                for partition, events in row.published
            ],
            processed=[
                count(producer=producer, partition=partition, events=events)
                for producer, partition, events in row.processed
            ],
        )


def _is_settled(status: clock_service_pb2.GetStatusResponse, request: Any) -> bool:
    """Tell whether what is waited for has come, or never will without a person's help."""
    if status.failed_tasks or status.parked_events:
        return True
    if status.open_tasks or (status.outbox_events and not request.tasks_only):
        return False
    processed = {(count.producer, count.partition): count.events for count in status.processed}
    return all(processed.get((count.producer, count.partition), 0) >= count.events for count in request.awaited)


def _advance(connection: sa.Connection, wanted: datetime) -> None:
    """Set the clock, unless it is later already; the first time it may be set to any."""
    clock = schema.test_clock
    first = insert(clock).values(id=_CLOCK_ROW, now=wanted)
    forward = first.on_conflict_do_update(
        index_elements=["id"], set_={"now": wanted}, where=clock.c.now <= wanted
    ).returning(clock.c.id)
    if connection.scalar(forward) is None:
        raise FailedPrecondition(
            "CLOCK_RUNS_FORWARD",
            "The clock is later already; it only runs forward.",
            metadata={"time": wanted.isoformat()},
        )
