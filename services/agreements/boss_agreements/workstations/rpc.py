"""WorkstationService."""

import grpc
from boss.agreements.v1 import workstation_service_pb2 as pb
from boss.agreements.v1 import workstation_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.workstations.commands import check_workstation
from boss_agreements.workstations.convert import WORKSTATIONS, read_workstation, write_workstation
from boss_agreements.workstations.store import WORKSTATIONS as SHELF
from boss_kit.rpc.door import Door


class WorkstationServicer(pb_grpc.WorkstationServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, WORKSTATIONS, write_workstation, check_workstation)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_WorkstationServiceServicer_to_server(self, server)

    def CreateWorkstation(self, request: pb.CreateWorkstationRequest, context: grpc.ServicerContext) -> pb.Workstation:
        """Make a workstation."""
        return self._entries.create(request, lambda head: read_workstation(request.workstation, head))

    def GetWorkstation(self, request: pb.GetWorkstationRequest, context: grpc.ServicerContext) -> pb.Workstation:
        """Read a workstation."""
        return self._entries.get(request)

    def ListWorkstations(
        self, request: pb.ListWorkstationsRequest, context: grpc.ServicerContext
    ) -> pb.ListWorkstationsResponse:
        """List workstations by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListWorkstationsResponse(workstations=rows, next_page_token=token)
        )

    def UpdateWorkstation(self, request: pb.UpdateWorkstationRequest, context: grpc.ServicerContext) -> pb.Workstation:
        """Replace a workstation."""
        return self._entries.update(
            request, request.workstation, "workstation", lambda head: read_workstation(request.workstation, head)
        )
