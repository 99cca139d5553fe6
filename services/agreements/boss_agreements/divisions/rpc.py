"""DivisionService."""

import grpc
from boss.agreements.v1 import division_service_pb2 as pb
from boss.agreements.v1 import division_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.divisions.commands import check_division
from boss_agreements.divisions.convert import DIVISIONS, read_division, write_division
from boss_agreements.divisions.store import DIVISIONS as SHELF
from boss_kit.rpc.door import Door


class DivisionServicer(pb_grpc.DivisionServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, DIVISIONS, write_division, check_division)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_DivisionServiceServicer_to_server(self, server)

    def CreateDivision(self, request: pb.CreateDivisionRequest, context: grpc.ServicerContext) -> pb.Division:
        """Make a division."""
        return self._entries.create(request, lambda head: read_division(request.division, head))

    def GetDivision(self, request: pb.GetDivisionRequest, context: grpc.ServicerContext) -> pb.Division:
        """Read a division."""
        return self._entries.get(request)

    def ListDivisions(
        self, request: pb.ListDivisionsRequest, context: grpc.ServicerContext
    ) -> pb.ListDivisionsResponse:
        """List divisions by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListDivisionsResponse(divisions=rows, next_page_token=token)
        )

    def UpdateDivision(self, request: pb.UpdateDivisionRequest, context: grpc.ServicerContext) -> pb.Division:
        """Replace a division."""
        return self._entries.update(
            request, request.division, "division", lambda head: read_division(request.division, head)
        )
