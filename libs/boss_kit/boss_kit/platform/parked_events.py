"""Events that were set aside, for the operator."""

from typing import Any

import grpc
from boss.platform.v1 import parked_event_service_pb2 as pb
from boss.platform.v1 import parked_event_service_pb2_grpc

from boss_kit.events import parking
from boss_kit.events.consumer import Consumer
from boss_kit.paging import open_page
from boss_kit.rpc.convert import time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class ParkedEventServicer(parked_event_service_pb2_grpc.ParkedEventServiceServicer):
    """Shows, replays and drops."""

    def __init__(self, door: Door, consumer: Consumer) -> None:
        self._door = door
        self._consumer = consumer

    def ListParkedEvents(self, request: Any, context: grpc.ServicerContext) -> pb.ListParkedEventsResponse:
        """List them, oldest first."""
        page = open_page(request.page_size, request.page_token)
        (after_id,) = page.key(int) or (0,)

        def answer(tx: Transaction) -> pb.ListParkedEventsResponse:
            rows = parking.list_parked(tx.connection, page.limit, after_id)
            rows, token = page.cut(rows, lambda row: (row.id,))
            return pb.ListParkedEventsResponse(parked_events=map(_parked, rows), next_page_token=token)

        return self._door.query(request, answer)

    def GetParkedEvent(self, request: Any, context: grpc.ServicerContext) -> pb.ParkedEvent:
        """Show one."""
        return self._door.query(request, lambda tx: _parked(parking.get_parked(tx.connection, request.parked_event_id)))

    def ReplayParkedEvent(self, request: Any, context: grpc.ServicerContext) -> pb.ReplayParkedEventResponse:
        """Process it again, and those behind it."""

        def answer(_tx: Transaction) -> pb.ReplayParkedEventResponse:
            # The replay commits by itself: what went through stays, even where this answer gets lost.
            replayed = parking.replay(self._consumer, request.parked_event_id)
            return pb.ReplayParkedEventResponse(replayed_events=replayed.events, error=replayed.error)

        return self._door.command(request, answer)

    def DropParkedEvent(self, request: Any, context: grpc.ServicerContext) -> pb.DropParkedEventResponse:
        """Give it up."""

        def answer(tx: Transaction) -> pb.DropParkedEventResponse:
            parking.drop(tx.connection, request.parked_event_id)
            return pb.DropParkedEventResponse()

        return self._door.command(request, answer)


def _parked(parked: parking.ParkedEvent) -> pb.ParkedEvent:
    return pb.ParkedEvent(
        parked_event_id=parked.id,
        event=parked.event.message,
        error=parked.error,
        create_time=time_to_proto(parked.create_time),
    )
