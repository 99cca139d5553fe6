"""ActivityService."""

from datetime import date, datetime
from uuid import UUID

import grpc
from boss.agreements.v1 import activity_service_pb2 as pb
from boss.agreements.v1 import activity_service_pb2_grpc as pb_grpc

from boss_agreements.activities import commands, convert, queries
from boss_agreements.check_ins import commands as check_ins
from boss_agreements.check_ins.queries import list_actions, list_check_ins
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class ActivityServicer(pb_grpc.ActivityServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_ActivityServiceServicer_to_server(self, server)

    def ListActivities(
        self, request: pb.ListActivitiesRequest, context: grpc.ServicerContext
    ) -> pb.ListActivitiesResponse:
        """List a member's activities, the earliest-expiring first."""
        ids = names.parse(convert.MEMBER, request.parent, "parent")
        filters = ("activities", request.parent, request.include_expired)
        page = open_page(request.page_size, request.page_token, filters=filters)
        after = page.key(date.fromisoformat, UUID)

        def answer(tx: Transaction) -> pb.ListActivitiesResponse:
            found = queries.list_activities(
                tx, ids["e"], ids["b"], ids["m"], after, page.limit, include_over=request.include_expired
            )
            rows, token = page.cut(found, lambda seen: (seen.activity.expiry_date, seen.activity.id))
            return pb.ListActivitiesResponse(activities=map(convert.activity, rows), next_page_token=token)

        return self._door.query(request, answer)

    def CreateActivityPurchase(
        self, request: pb.CreateActivityPurchaseRequest, context: grpc.ServicerContext
    ) -> pb.Activity:
        """Grant what was bought outside an agreement."""
        command = convert.purchase_activity(request)
        return self._door.command(
            request, lambda tx: convert.activity(queries.seen(tx, commands.purchase_activity(tx, command)))
        )

    def CheckIn(self, request: pb.CheckInRequest, context: grpc.ServicerContext) -> pb.CheckInDecision:
        """Let a member in, or say why not."""
        command = convert.check_in(request)
        return self._door.command(request, lambda tx: convert.decision(check_ins.use_activity(tx, command)))

    def Redeem(self, request: pb.RedeemRequest, context: grpc.ServicerContext) -> pb.CheckInDecision:
        """Take units, or say why not."""
        command = convert.redeem(request)
        return self._door.command(request, lambda tx: convert.decision(check_ins.use_activity(tx, command)))

    def ListCheckInDecisions(
        self, request: pb.ListCheckInDecisionsRequest, context: grpc.ServicerContext
    ) -> pb.ListCheckInDecisionsResponse:
        """List what was decided, newest first."""
        ids = names.parse(convert.UNIT, request.parent, "parent")
        member_id = names.parse(convert.MEMBER, request.member, "member")["m"] if request.member else None
        filters = ("check-ins", request.parent, request.member, request.denied_only)
        page = open_page(request.page_size, request.page_token, filters=filters)
        before = page.key(datetime.fromisoformat, UUID)

        def answer(tx: Transaction) -> pb.ListCheckInDecisionsResponse:
            found = list_check_ins(
                tx, ids["e"], ids["b"], member_id, before, page.limit, denied_only=request.denied_only
            )
            rows, token = page.cut(found, lambda one: (one.create_time, one.id))
            return pb.ListCheckInDecisionsResponse(
                check_in_decisions=map(convert.decision, rows), next_page_token=token
            )

        return self._door.query(request, answer)

    def UpdateCheckInAction(
        self, request: pb.UpdateCheckInActionRequest, context: grpc.ServicerContext
    ) -> pb.CheckInAction:
        """Choose what a unit does with people of a status."""
        command = convert.set_action(request)

        def answer(tx: Transaction) -> pb.CheckInAction:
            made = check_ins.set_action(tx, command)
            return pb.CheckInAction(status=made.status, action=made.action)

        return self._door.command(request, answer)

    def ListCheckInActions(
        self, request: pb.ListCheckInActionsRequest, context: grpc.ServicerContext
    ) -> pb.ListCheckInActionsResponse:
        """List what a unit does with people who check in, by status."""
        ids = names.parse(convert.UNIT, request.parent, "parent")
        page = open_page(request.page_size, request.page_token, filters=("check-in-actions", request.parent))
        (after,) = page.key(str) or ("",)

        def answer(tx: Transaction) -> pb.ListCheckInActionsResponse:
            found = [one for one in list_actions(tx, ids["e"], ids["b"]).items() if one[0] > after]
            rows, token = page.cut(sorted(found)[: page.limit], lambda one: (one[0],))
            shown = [pb.CheckInAction(status=status, action=action) for status, action in rows]
            return pb.ListCheckInActionsResponse(check_in_actions=shown, next_page_token=token)

        return self._door.query(request, answer)
