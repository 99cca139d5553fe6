"""RebillService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import rebill_service_pb2 as pb
from boss.billing.v1 import rebill_service_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.rules import INVOICE_NAME
from boss_billing.rebills import commands, queries
from boss_billing.rebills.commands import LevelAndTender
from boss_billing.rebills.rules import Effective, Level, RebillSchedule
from boss_billing.runs.convert import scope
from boss_kit import names
from boss_kit.rpc.convert import date_to_proto
from boss_kit.rpc.door import Door

_LEVELS = {
    Level.UNIT: pb.RebillSchedule.LEVEL_BUSINESS_UNIT,
    Level.DIVISION: pb.RebillSchedule.LEVEL_DIVISION,
    Level.ENTERPRISE: pb.RebillSchedule.LEVEL_ENTERPRISE,
    Level.DEFAULT: pb.RebillSchedule.LEVEL_DEFAULT,
}


class RebillServicer(rebill_service_pb2_grpc.RebillServiceServicer):
    """When invoices are tried again, and why then."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetRebillSchedule(
        self, request: pb.GetRebillScheduleRequest, context: grpc.ServicerContext
    ) -> pb.RebillSchedule:
        """Read the schedule in force."""
        of = LevelAndTender(scope(request.parent), request.tender)
        return self._door.query(request, lambda tx: _schedule(request.parent, queries.get_schedule(tx, of)))

    def UpdateRebillSchedule(
        self, request: pb.UpdateRebillScheduleRequest, context: grpc.ServicerContext
    ) -> pb.RebillSchedule:
        """Set a level's schedule."""
        wanted = request.rebill_schedule
        of = LevelAndTender(scope(wanted.parent, "rebill_schedule.parent"), wanted.tender)
        paydays = tuple(wanted.paydays) or RebillSchedule(()).paydays
        schedule = RebillSchedule(tuple(wanted.after_days), wanted.smart, paydays)

        def answer(tx: Any) -> pb.RebillSchedule:
            commands.update_schedule(tx, of, schedule)
            return _schedule(wanted.parent, queries.get_schedule(tx, of))

        return self._door.command(request, answer)

    def DeleteRebillSchedule(self, request: pb.DeleteRebillScheduleRequest, context: grpc.ServicerContext) -> Empty:
        """Use the default."""
        of = LevelAndTender(scope(request.parent), request.tender)

        def answer(tx: Any) -> Empty:
            commands.delete_schedule(tx, of)
            return Empty()

        return self._door.command(request, answer)

    def ExplainNextAttempt(
        self, request: pb.ExplainNextAttemptRequest, context: grpc.ServicerContext
    ) -> pb.ExplainNextAttemptResponse:
        """Say why an invoice is tried again when it is."""
        ids = names.parse(INVOICE_NAME, request.invoice, "invoice")
        ref = AccountRef(ids["e"], ids["b"], ids["a"])

        def answer(tx: Any) -> pb.ExplainNextAttemptResponse:
            day, reason = queries.explain(tx, ref, ids["i"])
            return pb.ExplainNextAttemptResponse(next_attempt_date=date_to_proto(day), explanation=reason)

        return self._door.query(request, answer)


def _schedule(parent: str, found: Effective) -> pb.RebillSchedule:
    return pb.RebillSchedule(
        parent=parent,
        tender=found.tender,
        after_days=found.schedule.after_days,
        smart=found.schedule.is_smart,
        paydays=found.schedule.paydays,
        level=_LEVELS[found.level],
    )
