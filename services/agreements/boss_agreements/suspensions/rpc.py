"""SuspensionService; AgreementService's own suspension methods go through the same functions."""

from datetime import date
from uuid import UUID

import grpc
from boss.agreements.v1 import agreement_service_pb2 as pb
from boss.agreements.v1 import suspension_service_pb2 as own_pb
from boss.agreements.v1 import suspension_service_pb2_grpc as pb_grpc

from boss_agreements.organization.rpc import parse_parent
from boss_agreements.suspensions import commands, convert, previews, queries
from boss_agreements.suspensions.store import Suspension
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

EXCEPT = "agreements.suspensions.except"


class SuspensionServicer(pb_grpc.SuspensionServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_SuspensionServiceServicer_to_server(self, server)

    def PreviewSuspension(
        self, request: own_pb.PreviewSuspensionRequest, context: grpc.ServicerContext
    ) -> own_pb.SuspensionPreview:
        """Say what a suspension would do."""
        may_except = self._door.caller_may(EXCEPT)
        command = convert.create_suspension(request.parent, request.suspension, may_except=may_except)
        return self._door.query(
            request,
            lambda tx: convert.preview(previews.preview_suspension(tx, command), request.suspension.suspension_reason),
        )

    def CreateSuspension(self, request: pb.CreateSuspensionRequest, context: grpc.ServicerContext) -> pb.Suspension:
        """Suspend an agreement, a member or an account."""
        return create(self._door, request)

    def UpdateSuspension(self, request: own_pb.UpdateSuspensionRequest, context: grpc.ServicerContext) -> pb.Suspension:
        """Change days and comments."""
        command = convert.update_suspension(request)
        return self._door.command(request, lambda tx: _answer(tx, commands.update_suspension(tx, command)))

    def RescindSuspension(
        self, request: own_pb.RescindSuspensionRequest, context: grpc.ServicerContext
    ) -> pb.Suspension:
        """Take back one that is to come."""
        command = convert.rescind_suspension(request)
        return self._door.command(request, lambda tx: _answer(tx, commands.rescind_suspension(tx, command)))

    def EndSuspension(self, request: pb.EndSuspensionRequest, context: grpc.ServicerContext) -> pb.Suspension:
        """Set a suspension's first day back."""
        return end(self._door, request)

    def GetSuspension(self, request: own_pb.GetSuspensionRequest, context: grpc.ServicerContext) -> pb.Suspension:
        """Read a suspension."""
        ids = names.parse(convert.SUSPENSION, request.name)
        return self._door.query(
            request, lambda tx: convert.suspension(queries.get_suspension(tx, ids["e"], ids["b"], ids["s"]))
        )

    def ListSuspensions(
        self, request: pb.ListSuspensionsRequest, context: grpc.ServicerContext
    ) -> pb.ListSuspensionsResponse:
        """List suspensions, active ones first."""
        return list_page(self._door, request)


def create(door: Door, request: pb.CreateSuspensionRequest) -> pb.Suspension:
    """Answer CreateSuspension of either service."""
    command = convert.create_suspension(request.parent, request.suspension, may_except=door.caller_may(EXCEPT))
    return door.command(request, lambda tx: _answer(tx, commands.create_suspension(tx, command)))


def end(door: Door, request: pb.EndSuspensionRequest) -> pb.Suspension:
    """Answer EndSuspension of either service."""
    command = convert.end_suspension(request)
    return door.command(request, lambda tx: _answer(tx, commands.update_suspension(tx, command)))


def list_page(door: Door, request: pb.ListSuspensionsRequest) -> pb.ListSuspensionsResponse:
    """Answer ListSuspensions of either service."""
    enterprise_id, unit_id = parse_parent(request.parent)
    agreement_id = names.parse(convert.AGREEMENT, request.agreement, "agreement")["a"] if request.agreement else None
    member_id = names.parse(convert.MEMBER, request.member, "member")["m"] if request.member else None
    filters = ("suspensions", request.parent, request.agreement, request.member)
    page = open_page(request.page_size, request.page_token, filters=filters)
    after = page.key(int, date.fromisoformat, UUID)

    def answer(tx: Transaction) -> pb.ListSuspensionsResponse:
        found = queries.list_suspensions(tx, enterprise_id, unit_id, agreement_id, member_id, after, page.limit)
        rows, token = page.cut(found, queries.place_of)
        shown = map(convert.suspension, queries.detailed(tx, rows))
        return pb.ListSuspensionsResponse(suspensions=shown, next_page_token=token)

    return door.query(request, answer)


def _answer(tx: Transaction, made: Suspension) -> pb.Suspension:
    return convert.suspension(queries.detailed(tx, [made])[0])
