"""The providers' door."""

from typing import Any

import grpc
from boss.notifications.v1 import provider_callback_service_pb2 as pb
from boss.notifications.v1 import provider_callback_service_pb2_grpc

from boss_kit.paging import open_page
from boss_kit.rpc.convert import time_from_proto, time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction
from boss_notifications.responses import commands, queries
from boss_notifications.responses.commands import ProviderResponse, Taken


class ProviderCallbackServicer(provider_callback_service_pb2_grpc.ProviderCallbackServiceServicer):
    """Takes what providers report."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ReportResponses(
        self, request: pb.ReportResponsesRequest, context: grpc.ServicerContext
    ) -> pb.ReportResponsesResponse:
        """Take responses; each is its own key, so a repeat has no effect."""
        responses = responses_of(request)
        return self._door.record(lambda tx: taken_of(commands.report(tx, responses)))

    def ListUnmatchedResponses(
        self, request: pb.ListUnmatchedResponsesRequest, context: grpc.ServicerContext
    ) -> pb.ListUnmatchedResponsesResponse:
        """List those that match nothing."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Transaction) -> pb.ListUnmatchedResponsesResponse:
            rows, token = queries.list_unmatched(tx, request.parent, page)
            return pb.ListUnmatchedResponsesResponse(unmatched_responses=map(_unmatched, rows), next_page_token=token)

        return self._door.query(request, answer)


def responses_of(request: pb.ReportResponsesRequest) -> list[ProviderResponse]:
    """Read a report."""
    return [
        ProviderResponse(
            response_id=one.response_id,
            provider_message_id=one.provider_message_id,
            response=one.response,
            response_detail=one.response_detail,
            response_time=time_from_proto(one.response_time, f"responses[{index}].response_time")
            if one.HasField("response_time")
            else None,
        )
        for index, one in enumerate(request.responses)
    ]


def taken_of(taken: Taken) -> pb.ReportResponsesResponse:
    """Write what became of a report."""
    return pb.ReportResponsesResponse(
        applied=taken.applied, repeated_responses=taken.repeated, unmatched=taken.unmatched
    )


def _unmatched(row: Any) -> pb.UnmatchedResponse:
    return pb.UnmatchedResponse(
        response_id=row.response_id,
        provider_message_id=row.provider_message_id,
        response=row.response,
        response_detail=row.response_detail,
        reason=row.unmatched_reason,
        create_time=time_to_proto(row.create_time),
    )
