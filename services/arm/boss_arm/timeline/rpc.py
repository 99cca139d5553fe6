"""The call for the story."""

import grpc
from boss.platform.v1 import timeline_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2_grpc

from boss_arm.history.rules import Activity
from boss_arm.timeline import queries
from boss_kit.names import parse
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

ACCOUNT = "enterprises/{e}/businessUnits/{b}/accounts/{a}"
PAGE_SIZE_DEFAULT = 1000


class TimelineServicer(timeline_service_pb2_grpc.TimelineServiceServicer):
    """Tells arm's part of an account's story."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ListTimelineEntries(
        self, request: pb.ListTimelineEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListTimelineEntriesResponse:
        """List the account's story, oldest first."""
        ids = parse(ACCOUNT, request.parent, "parent")
        page = open_page(
            request.page_size, request.page_token, filters=(request.parent,), size_default=PAGE_SIZE_DEFAULT
        )

        def answer(tx: Transaction) -> pb.ListTimelineEntriesResponse:
            entries, token = queries.list_entries(tx, ids["b"], ids["a"], page)
            told = [_entry(request.parent, one, text) for one, text in entries]
            return pb.ListTimelineEntriesResponse(timeline_entries=told, next_page_token=token)

        return self._door.query(request, answer)


def _entry(account: str, one: Activity, text: str) -> pb.TimelineEntry:
    return pb.TimelineEntry(
        business_date=date_to_proto(one.activity_date),
        service="arm",
        kind="arm",
        text=text,
        subject=f"{account}/cycles/{one.cycle_id}",
        correlation=one.correlation,
        create_time=time_to_proto(one.create_time),
    )
