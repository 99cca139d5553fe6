"""FeeService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import fee_service_pb2 as pb
from boss.billing.v1 import fee_service_pb2_grpc
from boss.billing.v1 import movement_service_pb2 as movement_pb

from boss_billing.accounts.rules import AccountRef
from boss_billing.fees import commands
from boss_billing.fees.commands import WaiveFee
from boss_billing.invoices.rules import INVOICE_NAME
from boss_billing.movements import convert, queries
from boss_billing.movements.rpc import require_fit_approver
from boss_kit import names
from boss_kit.rpc.convert import money_from_proto
from boss_kit.rpc.door import Door


class FeeServicer(fee_service_pb2_grpc.FeeServiceServicer):
    """Fees."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def WaiveFee(self, request: pb.WaiveFeeRequest, context: grpc.ServicerContext) -> movement_pb.Movement:
        """Waive a fee."""
        require_fit_approver(self._door)
        ids = names.parse(INVOICE_NAME, request.invoice, "invoice")
        account = AccountRef(ids["e"], ids["b"], ids["a"])
        amount = money_from_proto(request.amount) if request.HasField("amount") else None
        command = WaiveFee(account, ids["i"], amount, request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, account, commands.waive_fee(tx, command).id))

        return self._door.command(request, answer)
