"""WorkRoleService."""

import grpc
from boss.agreements.v1 import work_role_service_pb2 as pb
from boss.agreements.v1 import work_role_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.work_roles.commands import check_work_role
from boss_agreements.work_roles.convert import WORK_ROLES, read_work_role, write_work_role
from boss_agreements.work_roles.store import WORK_ROLES as SHELF
from boss_kit.rpc.door import Door


class WorkRoleServicer(pb_grpc.WorkRoleServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, WORK_ROLES, write_work_role, check_work_role)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_WorkRoleServiceServicer_to_server(self, server)

    def CreateWorkRole(self, request: pb.CreateWorkRoleRequest, context: grpc.ServicerContext) -> pb.WorkRole:
        """Make a work role."""
        return self._entries.create(request, lambda head: read_work_role(request.work_role, head))

    def GetWorkRole(self, request: pb.GetWorkRoleRequest, context: grpc.ServicerContext) -> pb.WorkRole:
        """Read a work role."""
        return self._entries.get(request)

    def ListWorkRoles(
        self, request: pb.ListWorkRolesRequest, context: grpc.ServicerContext
    ) -> pb.ListWorkRolesResponse:
        """List work roles by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListWorkRolesResponse(work_roles=rows, next_page_token=token)
        )

    def UpdateWorkRole(self, request: pb.UpdateWorkRoleRequest, context: grpc.ServicerContext) -> pb.WorkRole:
        """Replace a work role."""
        return self._entries.update(
            request, request.work_role, "work_role", lambda head: read_work_role(request.work_role, head)
        )
