"""MovementService, and what every door that moves money asks of an approver."""

from typing import Any

import grpc
from boss.billing.v1 import movement_service_pb2 as pb
from boss.billing.v1 import movement_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rpc import scope
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.movements import commands, convert, queries
from boss_billing.movements.rules import MOVEMENT_NAME
from boss_billing.units import store as units
from boss_kit import names
from boss_kit.errors import PermissionDenied
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import money_from_proto, money_to_proto
from boss_kit.rpc.door import Door
from boss_kit.rpc.roles import SERVICE

APPROVE = "billing.movements.approve"


def require_fit_approver(door: Door) -> None:
    """Refuse an approver who may not approve movements of money; a service vouches for its own.

    Raises PermissionDenied.
    """
    context = door.context()
    if context.actor.approver is None or SERVICE in context.roles or door.approver_may(APPROVE):
        return
    raise PermissionDenied(
        "APPROVER_NOT_ALLOWED",
        f"{context.actor.approver.user} may not approve movements of money; ask somebody who holds {APPROVE}.",
        metadata={"permission": APPROVE},
    )


def account_scope(parent: str) -> InvoiceScope:
    """Read an enterprise, a business unit or an account. Raises InvalidArgument."""
    if "/accounts/" in parent:
        ref = account_ref(parent, "parent")
        return InvoiceScope(ref.enterprise_id, ref.business_unit_id, ref.id)
    return InvoiceScope(*scope(parent))


class MovementServicer(movement_service_pb2_grpc.MovementServiceServicer):
    """The documents behind movements of money."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetMovement(self, request: pb.GetMovementRequest, context: grpc.ServicerContext) -> pb.Movement:
        """Read a movement."""
        ids = names.parse(MOVEMENT_NAME, request.name)
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        return self._door.query(request, lambda tx: convert.movement(queries.get_movement(tx, ref, ids["m"])))

    def ListMovements(
        self, request: pb.ListMovementsRequest, context: grpc.ServicerContext
    ) -> pb.ListMovementsResponse:
        """List movements by day."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))
        where = account_scope(request.parent)

        def answer(tx: Any) -> pb.ListMovementsResponse:
            rows, token = queries.list_movements(tx, where, page)
            return pb.ListMovementsResponse(movements=[convert.movement(row) for row in rows], next_page_token=token)

        return self._door.query(request, answer)

    def GetApprovalLimit(self, request: pb.GetApprovalLimitRequest, context: grpc.ServicerContext) -> pb.ApprovalLimit:
        """Read a limit."""
        return self._door.query(request, lambda tx: _limit(tx, request.scope))

    def UpdateApprovalLimit(
        self, request: pb.UpdateApprovalLimitRequest, context: grpc.ServicerContext
    ) -> pb.ApprovalLimit:
        """Set a limit."""
        wanted = request.approval_limit
        enterprise_id, unit_id = scope(wanted.scope)
        limit = money_from_proto(wanted.limit, "approval_limit.limit") if wanted.HasField("limit") else None

        def answer(tx: Any) -> pb.ApprovalLimit:
            commands.set_limit(tx, enterprise_id, unit_id, limit)
            return _limit(tx, wanted.scope)

        return self._door.command(request, answer)


def _limit(tx: Any, of: str) -> pb.ApprovalLimit:
    enterprise_id, unit_id = scope(of)
    found = queries.get_limit(tx, enterprise_id, unit_id)
    if found.limit_minor is None:
        return pb.ApprovalLimit(scope=of)
    known = units.units_of(tx.connection, enterprise_id)
    unit = known[unit_id] if unit_id is not None else next(iter(known.values()))
    return pb.ApprovalLimit(
        scope=of,
        limit=money_to_proto(Money(found.limit_minor, unit.currency)),
        defined_at=of if found.is_units_own else f"enterprises/{enterprise_id}",
    )
