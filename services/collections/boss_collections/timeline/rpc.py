"""The call for the story."""

import grpc
from boss.platform.v1 import timeline_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2_grpc

from boss_collections.debtors.rules import AccountRef
from boss_collections.timeline import queries
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

PAGE_SIZE_DEFAULT = 1000


class TimelineServicer(timeline_service_pb2_grpc.TimelineServiceServicer):
    """Tells collections' part of an account's story."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ListTimelineEntries(
        self, request: pb.ListTimelineEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListTimelineEntriesResponse:
        """List the account's story, oldest first."""
        account = AccountRef.parse(request.parent, "parent")
        page = open_page(request.page_size, request.page_token, filters=(account.name,), size_default=PAGE_SIZE_DEFAULT)

        def answer(tx: Transaction) -> pb.ListTimelineEntriesResponse:
            entries, token = queries.list_entries(tx, account, page)
            return pb.ListTimelineEntriesResponse(
                timeline_entries=[_entry(account, entry) for entry in entries], next_page_token=token
            )

        return self._door.query(request, answer)


def _entry(account: AccountRef, entry: queries.Entry) -> pb.TimelineEntry:
    return pb.TimelineEntry(
        business_date=date_to_proto(entry.business_date),
        service="collections",
        kind=entry.kind,
        text=entry.text,
        subject=account.name,
        correlation=entry.correlation,
        create_time=time_to_proto(entry.create_time),
    )
