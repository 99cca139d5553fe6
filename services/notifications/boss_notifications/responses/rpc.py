"""The providers' door."""

import grpc
from boss.notifications.v1 import provider_callback_service_pb2 as pb
from boss.notifications.v1 import provider_callback_service_pb2_grpc

from boss_kit.names import parse
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction
from boss_notifications.intents.queries import ENTERPRISE
from boss_notifications.responses import commands, convert, queries


class ProviderCallbackServicer(provider_callback_service_pb2_grpc.ProviderCallbackServiceServicer):
    """Takes what providers report."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ReportResponses(
        self, request: pb.ReportResponsesRequest, context: grpc.ServicerContext
    ) -> pb.ReportResponsesResponse:
        """Take responses; each is its own key, so a repeat has no effect."""
        parse(ENTERPRISE, request.parent, "parent")
        responses = convert.responses_of(request)
        return self._door.record(lambda tx: convert.taken_of(commands.report(tx, responses)))

    def ListUnmatchedResponses(
        self, request: pb.ListUnmatchedResponsesRequest, context: grpc.ServicerContext
    ) -> pb.ListUnmatchedResponsesResponse:
        """List those that match nothing."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Transaction) -> pb.ListUnmatchedResponsesResponse:
            rows, token = queries.list_unmatched(tx, request.parent, page)
            return pb.ListUnmatchedResponsesResponse(
                unmatched_responses=map(convert.unmatched_of, rows), next_page_token=token
            )

        return self._door.query(request, answer)
