"""ChargebackService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import chargeback_service_pb2 as pb
from boss.billing.v1 import chargeback_service_pb2_grpc
from boss.billing.v1 import movement_service_pb2 as movement_pb

from boss_billing.accounts.rules import AccountRef
from boss_billing.chargebacks import commands
from boss_billing.chargebacks.commands import CreateChargeback, ReverseChargeback
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.movements import convert, queries
from boss_billing.movements.rpc import require_fit_approver
from boss_billing.movements.rules import MOVEMENT_NAME
from boss_billing.payments.rules import PAYMENT_NAME
from boss_kit import names
from boss_kit.rpc.convert import money_from_proto
from boss_kit.rpc.door import Door

_KINDS = {
    pb.CreateChargebackRequest.KIND_CHARGEBACK: ReturnKind.CHARGEBACK,
    pb.CreateChargebackRequest.KIND_BANK_RETURN: ReturnKind.RETURN,
}


class ChargebackServicer(chargeback_service_pb2_grpc.ChargebackServiceServicer):
    """Payments that were taken back by a bank."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CreateChargeback(
        self, request: pb.CreateChargebackRequest, context: grpc.ServicerContext
    ) -> movement_pb.Movement:
        """Take a payment back."""
        require_fit_approver(self._door)
        ids = names.parse(PAYMENT_NAME, request.payment, "payment")
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        amount = money_from_proto(request.amount) if request.HasField("amount") else None
        command = CreateChargeback(ref, ids["p"], _KINDS[request.kind], amount, request.code, request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, ref, commands.create_chargeback(tx, command)))

        return self._door.command(request, answer)

    def ReverseChargeback(
        self, request: pb.ReverseChargebackRequest, context: grpc.ServicerContext
    ) -> movement_pb.Movement:
        """Take what comes again of a chargeback."""
        require_fit_approver(self._door)
        ids = names.parse(MOVEMENT_NAME, request.movement, "movement")
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        amount = money_from_proto(request.amount) if request.HasField("amount") else None
        command = ReverseChargeback(ref, ids["m"], amount, request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, ref, commands.reverse_chargeback(tx, command)))

        return self._door.command(request, answer)
