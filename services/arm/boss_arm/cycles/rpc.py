"""The calls for cycles: in, out, summary, history, releases, counts."""

from uuid import UUID

import grpc
from boss.arm.v1 import cycle_service_pb2 as pb
from boss.arm.v1 import cycle_service_pb2_grpc

from boss_arm.clients import BillingClient
from boss_arm.configuration.convert import level_id
from boss_arm.cycles import commands, convert, queries
from boss_arm.debtors.queries import unit
from boss_arm.history import queries as history
from boss_arm.steps import commands as steps
from boss_kit.names import parse
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class CycleServicer(cycle_service_pb2_grpc.CycleServiceServicer):
    """Accounts in accounts receivable management."""

    def __init__(self, door: Door, billing: BillingClient) -> None:
        self._door = door
        self._billing = billing

    def AddToArm(self, request: pb.AddToArmRequest, context: grpc.ServicerContext) -> pb.ArmSummary:
        """Add an account by hand."""
        unit_id, account_id = convert.account_ids(request.account, "account")

        def answer(tx: Transaction) -> pb.ArmSummary:
            commands.add_to_arm(tx, unit_id, account_id)
            return convert.summary_to_proto(request.account, queries.summary(tx, unit_id, account_id))

        return self._door.command(request, answer)

    def RemoveFromArm(self, request: pb.RemoveFromArmRequest, context: grpc.ServicerContext) -> pb.ArmSummary:
        """Remove an account by hand."""
        unit_id, account_id = convert.account_ids(request.account, "account")

        def answer(tx: Transaction) -> pb.ArmSummary:
            commands.remove_from_arm(tx, unit_id, account_id, confirmed=request.confirmed)
            return convert.summary_to_proto(request.account, queries.summary(tx, unit_id, account_id))

        return self._door.command(request, answer)

    def GetArmSummary(self, request: pb.GetArmSummaryRequest, context: grpc.ServicerContext) -> pb.ArmSummary:
        """Read where an account stands."""
        unit_id, account_id = convert.account_ids(request.account, "account")
        return self._door.query(
            request, lambda tx: convert.summary_to_proto(request.account, queries.summary(tx, unit_id, account_id))
        )

    def ListArmHistory(
        self, request: pb.ListArmHistoryRequest, context: grpc.ServicerContext
    ) -> pb.ListArmHistoryResponse:
        """List an account's history, newest first."""
        unit_id, account_id = convert.account_ids(request.parent, "parent")
        suspension = request.include_suspension_activity
        page = open_page(request.page_size, request.page_token, filters=(request.parent, suspension))

        def answer(tx: Transaction) -> pb.ListArmHistoryResponse:
            after = page.key(int, int)
            found = history.list_history(tx, unit_id, account_id, suspension=suspension, after=after, limit=page.limit)
            rows, token = page.cut(found, lambda one: (one.cycle_number, one.id))
            currency = unit(tx, unit_id).currency
            lines = [convert.activity_to_proto(one, currency) for one in rows]
            return pb.ListArmHistoryResponse(arm_activities=lines, next_page_token=token)

        return self._door.query(request, answer)

    def ReleaseSteps(self, request: pb.ReleaseStepsRequest, context: grpc.ServicerContext) -> pb.ReleaseStepsResponse:
        """Release steps or refuse them: billing is asked first, then one transaction decides (DESIGN 6)."""
        enterprise_id = parse("enterprises/{e}", request.parent, "parent")["e"]
        step_ids = [UUID(step_id) for step_id in request.step_ids]
        accounts: dict[UUID, UUID] = {}

        def look(tx: Transaction) -> pb.ReleaseStepsResponse:
            accounts.update(steps.accounts_of(tx, step_ids))
            return pb.ReleaseStepsResponse()

        self._door.query(request, look)
        balances = self._billing.balances(
            enterprise_id, [(unit_id, account_id) for account_id, unit_id in accounts.items()]
        )
        return self._door.command(request, lambda tx: convert.releases_to_proto(steps.release(tx, step_ids, balances)))

    def GetArmStatistics(self, request: pb.GetArmStatisticsRequest, context: grpc.ServicerContext) -> pb.ArmStatistics:
        """Count cycles."""
        unit_id = level_id(request.parent)

        def answer(tx: Transaction) -> pb.ArmStatistics:
            opened, closed, active, doubles = queries.statistics(tx, unit_id)
            return pb.ArmStatistics(opened=opened, closed=closed, active=active, accounts_with_two_open_cycles=doubles)

        return self._door.query(request, answer)
