"""The timeline's door."""

from typing import Any

import grpc
from boss.platform.v1 import timeline_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2_grpc

from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_notifications.timeline import queries

SIZE_DEFAULT = 1000


class TimelineServicer(timeline_service_pb2_grpc.TimelineServiceServicer):
    """Tells the notifications' part of an account's story."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ListTimelineEntries(
        self, request: pb.ListTimelineEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListTimelineEntriesResponse:
        """List the account's story, oldest first."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent,), size_default=SIZE_DEFAULT)

        def answer(tx: Any) -> pb.ListTimelineEntriesResponse:
            rows, token = queries.list_entries(tx, request.parent, page)
            return pb.ListTimelineEntriesResponse(timeline_entries=map(_entry, rows), next_page_token=token)

        return self._door.query(request, answer)


def _entry(row: Any) -> pb.TimelineEntry:
    return pb.TimelineEntry(
        business_date=date_to_proto(row.business_date),
        service="notifications",
        kind=row.kind,
        text=row.text,
        subject=row.subject,
        correlation=row.correlation,
        create_time=time_to_proto(row.create_time),
    )
