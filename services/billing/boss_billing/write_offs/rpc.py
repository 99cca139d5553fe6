"""WriteOffService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import movement_service_pb2 as movement_pb
from boss.billing.v1 import write_off_service_pb2 as pb
from boss.billing.v1 import write_off_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.convert import invoice_id
from boss_billing.movements import convert, queries
from boss_billing.movements.rpc import require_fit_approver
from boss_billing.movements.rules import MOVEMENT_NAME
from boss_billing.write_offs import commands
from boss_billing.write_offs.commands import CreateWriteOff, ReverseWriteOff
from boss_kit import names
from boss_kit.rpc.door import Door


class WriteOffServicer(write_off_service_pb2_grpc.WriteOffServiceServicer):
    """What nobody expects to be paid any more."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CreateWriteOff(self, request: pb.CreateWriteOffRequest, context: grpc.ServicerContext) -> movement_pb.Movement:
        """Write off what is owed."""
        require_fit_approver(self._door)
        account = account_ref(request.parent, "parent")
        ids = [invoice_id(account, name, f"invoices[{place}]") for place, name in enumerate(request.invoices)]
        command = CreateWriteOff(account, [one for one in ids if one is not None], request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, account, commands.create_write_off(tx, command).id))

        return self._door.command(request, answer)

    def ReverseWriteOff(
        self, request: pb.ReverseWriteOffRequest, context: grpc.ServicerContext
    ) -> movement_pb.Movement:
        """Take a write-off back."""
        require_fit_approver(self._door)
        ids = names.parse(MOVEMENT_NAME, request.movement, "movement")
        account = AccountRef(ids["e"], ids["b"], ids["a"])
        command = ReverseWriteOff(account, ids["m"], request.reason)

        def answer(tx: Any) -> movement_pb.Movement:
            return convert.movement(queries.get_movement(tx, account, commands.reverse_write_off(tx, command).id))

        return self._door.command(request, answer)
