"""RequestReasonService."""

import grpc
from boss.agreements.v1 import request_reason_service_pb2 as pb
from boss.agreements.v1 import request_reason_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.request_reasons.commands import check_request_reason
from boss_agreements.request_reasons.convert import REQUEST_REASONS, read_request_reason, write_request_reason
from boss_agreements.request_reasons.store import REQUEST_REASONS as SHELF
from boss_kit.rpc.door import Door


class RequestReasonServicer(pb_grpc.RequestReasonServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, REQUEST_REASONS, write_request_reason, check_request_reason)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_RequestReasonServiceServicer_to_server(self, server)

    def CreateRequestReason(
        self, request: pb.CreateRequestReasonRequest, context: grpc.ServicerContext
    ) -> pb.RequestReason:
        """Make a reason."""
        return self._entries.create(request, lambda head: read_request_reason(request.request_reason, head))

    def GetRequestReason(self, request: pb.GetRequestReasonRequest, context: grpc.ServicerContext) -> pb.RequestReason:
        """Read a reason."""
        return self._entries.get(request)

    def ListRequestReasons(
        self, request: pb.ListRequestReasonsRequest, context: grpc.ServicerContext
    ) -> pb.ListRequestReasonsResponse:
        """List reasons by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListRequestReasonsResponse(request_reasons=rows, next_page_token=token)
        )

    def UpdateRequestReason(
        self, request: pb.UpdateRequestReasonRequest, context: grpc.ServicerContext
    ) -> pb.RequestReason:
        """Replace a reason."""
        return self._entries.update(
            request,
            request.request_reason,
            "request_reason",
            lambda head: read_request_reason(request.request_reason, head),
        )
