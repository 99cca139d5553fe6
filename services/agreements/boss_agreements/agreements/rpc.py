"""AgreementService, with the suspensions of agreements."""

import grpc
from boss.agreements.v1 import agreement_service_pb2 as pb
from boss.agreements.v1 import agreement_service_pb2_grpc as pb_grpc

from boss_agreements.agreements import commands, convert, queries
from boss_agreements.organization.rpc import parse_parent
from boss_agreements.suspensions import rpc as suspensions
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class AgreementServicer(pb_grpc.AgreementServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_AgreementServiceServicer_to_server(self, server)

    def CreateAgreement(self, request: pb.CreateAgreementRequest, context: grpc.ServicerContext) -> pb.Agreement:
        """Make an agreement."""
        command = convert.create_agreement(request)
        return self._door.command(request, lambda tx: convert.agreement(commands.create_agreement(tx, command)))

    def GetAgreement(self, request: pb.GetAgreementRequest, context: grpc.ServicerContext) -> pb.Agreement:
        """Read an agreement."""
        ids = names.parse(convert.AGREEMENT, request.name)
        return self._door.query(
            request, lambda tx: convert.agreement(queries.get_agreement(tx, ids["e"], ids["b"], ids["a"]))
        )

    def ListAgreements(
        self, request: pb.ListAgreementsRequest, context: grpc.ServicerContext
    ) -> pb.ListAgreementsResponse:
        """List agreements by number."""
        enterprise_id, unit_id = parse_parent(request.parent)
        member_id = names.parse(convert.MEMBER, request.member, "member")["m"] if request.member else None
        page = open_page(request.page_size, request.page_token, filters=("agreements", request.parent, request.member))
        (after,) = page.key(str) or ("",)

        def answer(tx: Transaction) -> pb.ListAgreementsResponse:
            found = queries.list_agreements(tx, enterprise_id, unit_id, member_id, after, page.limit)
            rows, token = page.cut(found, lambda one: (one.number,))
            return pb.ListAgreementsResponse(agreements=map(convert.agreement, rows), next_page_token=token)

        return self._door.query(request, answer)

    def CreateSuspension(self, request: pb.CreateSuspensionRequest, context: grpc.ServicerContext) -> pb.Suspension:
        """Suspend an agreement."""
        return suspensions.create(self._door, request)

    def EndSuspension(self, request: pb.EndSuspensionRequest, context: grpc.ServicerContext) -> pb.Suspension:
        """Set a suspension's first day back."""
        return suspensions.end(self._door, request)

    def ListSuspensions(
        self, request: pb.ListSuspensionsRequest, context: grpc.ServicerContext
    ) -> pb.ListSuspensionsResponse:
        """List suspensions, active ones first."""
        return suspensions.list_page(self._door, request)
