"""AdjustmentService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import adjustment_service_pb2 as pb
from boss.billing.v1 import adjustment_service_pb2_grpc
from boss.billing.v1 import movement_service_pb2 as movement_pb

from boss_billing.accounts.convert import account_ref
from boss_billing.adjustments import commands
from boss_billing.adjustments.commands import CreateCredit, CreateDebit
from boss_billing.invoices.convert import invoice_id
from boss_billing.movements import convert, queries
from boss_billing.movements.rpc import require_fit_approver
from boss_kit.rpc.convert import money_from_proto
from boss_kit.rpc.door import Door


class AdjustmentServicer(adjustment_service_pb2_grpc.AdjustmentServiceServicer):
    """What staff give and charge beside sales."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CreateCredit(self, request: pb.CreateCreditRequest, context: grpc.ServicerContext) -> movement_pb.Movement:
        """Give a credit."""
        require_fit_approver(self._door)
        account = account_ref(request.parent, "parent")
        amount = money_from_proto(request.amount)
        command = CreateCredit(account, amount, invoice_id(account, request.invoice), request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, account, commands.create_credit(tx, command).id))

        return self._door.command(request, answer)

    def CreateDebit(self, request: pb.CreateDebitRequest, context: grpc.ServicerContext) -> movement_pb.Movement:
        """Charge a debit."""
        require_fit_approver(self._door)
        account = account_ref(request.parent, "parent")
        command = CreateDebit(account, money_from_proto(request.amount), request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, account, commands.create_debit(tx, command).id))

        return self._door.command(request, answer)
