"""TimelineService: billing's part."""

from typing import Any

import grpc
from boss.platform.v1 import timeline_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.timeline import queries
from boss_billing.timeline.queries import Entry
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door

SIZE_DEFAULT = 1000


class TimelineServicer(timeline_service_pb2_grpc.TimelineServiceServicer):
    """Tells what billing knows of an account."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ListTimelineEntries(
        self, request: pb.ListTimelineEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListTimelineEntriesResponse:
        """List the account's story, oldest first."""
        account = account_ref(request.parent, "parent")
        page = open_page(request.page_size, request.page_token, filters=(request.parent,), size_default=SIZE_DEFAULT)

        def answer(tx: Any) -> pb.ListTimelineEntriesResponse:
            entries, token = queries.list_entries(tx, account, page)
            return pb.ListTimelineEntriesResponse(timeline_entries=map(_entry, entries), next_page_token=token)

        return self._door.query(request, answer)


def _entry(entry: Entry) -> pb.TimelineEntry:
    return pb.TimelineEntry(
        business_date=date_to_proto(entry.business_date),
        service="billing",
        kind=entry.kind,
        text=entry.text,
        subject=entry.subject,
        correlation=entry.correlation,
        create_time=time_to_proto(entry.create_time),
    )
