"""AgreementGroupService."""

import grpc
from boss.agreements.v1 import group_service_pb2 as pb
from boss.agreements.v1 import group_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.groups.commands import check_group
from boss_agreements.groups.convert import GROUPS, read_group, write_group
from boss_agreements.groups.store import GROUPS as SHELF
from boss_kit.rpc.door import Door


class AgreementGroupServicer(pb_grpc.AgreementGroupServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, GROUPS, write_group, check_group)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_AgreementGroupServiceServicer_to_server(self, server)

    def CreateAgreementGroup(
        self, request: pb.CreateAgreementGroupRequest, context: grpc.ServicerContext
    ) -> pb.AgreementGroup:
        """Make an agreement group."""
        return self._entries.create(request, lambda head: read_group(request.agreement_group, head))

    def GetAgreementGroup(
        self, request: pb.GetAgreementGroupRequest, context: grpc.ServicerContext
    ) -> pb.AgreementGroup:
        """Read an agreement group."""
        return self._entries.get(request)

    def ListAgreementGroups(
        self, request: pb.ListAgreementGroupsRequest, context: grpc.ServicerContext
    ) -> pb.ListAgreementGroupsResponse:
        """List groups by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListAgreementGroupsResponse(agreement_groups=rows, next_page_token=token)
        )

    def UpdateAgreementGroup(
        self, request: pb.UpdateAgreementGroupRequest, context: grpc.ServicerContext
    ) -> pb.AgreementGroup:
        """Replace an agreement group."""
        return self._entries.update(
            request, request.agreement_group, "agreement_group", lambda head: read_group(request.agreement_group, head)
        )
