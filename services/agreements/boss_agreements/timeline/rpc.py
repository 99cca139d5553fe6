"""TimelineService: this service's part."""

from datetime import date, datetime

import grpc
from boss.platform.v1 import timeline_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2_grpc as pb_grpc

from boss_agreements.timeline import queries
from boss_agreements.timeline.store import StoredEntry
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

ACCOUNT = "enterprises/{e}/businessUnits/{b}/accounts/{a}"
PAGE_SIZE_DEFAULT = 1000


class TimelineServicer(pb_grpc.TimelineServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_TimelineServiceServicer_to_server(self, server)

    def ListTimelineEntries(
        self, request: pb.ListTimelineEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListTimelineEntriesResponse:
        """List an account's story, oldest first."""
        ids = names.parse(ACCOUNT, request.parent, "parent")
        filters = ("timeline", request.parent)
        page = open_page(request.page_size, request.page_token, filters=filters, size_default=PAGE_SIZE_DEFAULT)
        after = page.key(date.fromisoformat, datetime.fromisoformat, int)

        def answer(tx: Transaction) -> pb.ListTimelineEntriesResponse:
            found = queries.list_entries(tx, ids["e"], ids["b"], ids["a"], after, page.limit)
            rows, token = page.cut(found, lambda one: (one.entry.business_date, one.entry.create_time, one.id))
            return pb.ListTimelineEntriesResponse(timeline_entries=map(_entry, rows), next_page_token=token)

        return self._door.query(request, answer)


def _entry(stored: StoredEntry) -> pb.TimelineEntry:
    entry = stored.entry
    return pb.TimelineEntry(
        business_date=date_to_proto(entry.business_date),
        service="agreements",
        kind=entry.kind,
        text=entry.text,
        subject=entry.subject,
        correlation=entry.correlation,
        create_time=time_to_proto(entry.create_time),
    )
