"""RefundService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import refund_service_pb2 as pb
from boss.billing.v1 import refund_service_pb2_grpc

from boss_billing.accounts.rules import AccountRef
from boss_billing.movements.rpc import account_scope, require_fit_approver
from boss_billing.refunds import commands, convert, queries
from boss_billing.refunds.rules import REFUND_NAME, RETURN_NAME
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door


class RefundServicer(refund_service_pb2_grpc.RefundServiceServicer):
    """Money that goes back."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CreateReturn(self, request: pb.CreateReturnRequest, context: grpc.ServicerContext) -> pb.Return:
        """Take items back."""
        require_fit_approver(self._door)
        command = convert.create_return(request)

        def answer(tx: Any) -> pb.Return:
            return_id = commands.create_return(tx, command)
            return convert.returned(queries.get_return(tx, command.account, return_id))

        return self._door.command(request, answer)

    def GetReturn(self, request: pb.GetReturnRequest, context: grpc.ServicerContext) -> pb.Return:
        """Read a return."""
        ids = names.parse(RETURN_NAME, request.name)
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        return self._door.query(request, lambda tx: convert.returned(queries.get_return(tx, ref, ids["r"])))

    def CreateRefund(self, request: pb.CreateRefundRequest, context: grpc.ServicerContext) -> pb.Refund:
        """Pay credit back."""
        require_fit_approver(self._door)
        command = convert.create_refund(request)

        def answer(tx: Any) -> pb.Refund:
            refund_id = commands.create_refund(tx, command)
            return convert.refund(queries.get_refund(tx, command.account, refund_id))

        return self._door.command(request, answer)

    def GetRefund(self, request: pb.GetRefundRequest, context: grpc.ServicerContext) -> pb.Refund:
        """Read a refund."""
        ids = names.parse(REFUND_NAME, request.name)
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        return self._door.query(request, lambda tx: convert.refund(queries.get_refund(tx, ref, ids["r"])))

    def ListRefunds(self, request: pb.ListRefundsRequest, context: grpc.ServicerContext) -> pb.ListRefundsResponse:
        """List refunds by day."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))
        where = account_scope(request.parent)

        def answer(tx: Any) -> pb.ListRefundsResponse:
            found, token = queries.list_refunds(tx, where, page)
            return pb.ListRefundsResponse(refunds=[convert.refund(one) for one in found], next_page_token=token)

        return self._door.query(request, answer)
