"""DeclineService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import decline_service_pb2 as pb
from boss.billing.v1 import decline_service_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from boss_billing.accounts.rules import AccountRef
from boss_billing.declines import commands, queries
from boss_billing.declines.rules import AttemptLimit, Class, Code, Per, Timing
from boss_billing.payments.rules import PAYMENT_NAME
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, money_from_proto, money_to_proto
from boss_kit.rpc.door import Door


class DeclineServicer(decline_service_pb2_grpc.DeclineServiceServicer):
    """What response codes mean to an enterprise."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ListDeclineCodes(
        self, request: pb.ListDeclineCodesRequest, context: grpc.ServicerContext
    ) -> pb.ListDeclineCodesResponse:
        """List the decline table."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]

        def answer(tx: Any) -> pb.ListDeclineCodesResponse:
            codes, currency = queries.list_codes(tx, enterprise_id)
            return pb.ListDeclineCodesResponse(decline_codes=[_code(request.parent, one, currency) for one in codes])

        return self._door.query(request, answer)

    def UpdateDeclineCode(self, request: pb.UpdateDeclineCodeRequest, context: grpc.ServicerContext) -> pb.DeclineCode:
        """Change a row of the decline table."""
        wanted = request.decline_code
        enterprise_id = names.parse(ENTERPRISE_NAME, wanted.parent, "decline_code.parent")["e"]

        def answer(tx: Any) -> pb.DeclineCode:
            currency = queries.currency_of(tx, enterprise_id)
            code = _wanted(wanted, currency)
            commands.update_code(tx, enterprise_id, code)
            return _code(wanted.parent, code, currency)

        return self._door.command(request, answer)

    def ListAttemptLimits(
        self, request: pb.ListAttemptLimitsRequest, context: grpc.ServicerContext
    ) -> pb.ListAttemptLimitsResponse:
        """List the attempt limits."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]

        def answer(tx: Any) -> pb.ListAttemptLimitsResponse:
            found = queries.list_limits(tx, enterprise_id)
            return pb.ListAttemptLimitsResponse(attempt_limits=[_limit(request.parent, one) for one in found])

        return self._door.query(request, answer)

    def UpdateAttemptLimit(
        self, request: pb.UpdateAttemptLimitRequest, context: grpc.ServicerContext
    ) -> pb.AttemptLimit:
        """Change an attempt limit."""
        wanted = request.attempt_limit
        enterprise_id = names.parse(ENTERPRISE_NAME, wanted.parent, "attempt_limit.parent")["e"]
        limit = AttemptLimit(wanted.tender, Per(wanted.per), wanted.attempts_max, wanted.window_days, is_own=True)

        def answer(tx: Any) -> pb.AttemptLimit:
            commands.update_limit(tx, enterprise_id, limit)
            return _limit(wanted.parent, limit)

        return self._door.command(request, answer)

    def DeleteAttemptLimit(self, request: pb.DeleteAttemptLimitRequest, context: grpc.ServicerContext) -> Empty:
        """Use the limit for all."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]

        def answer(tx: Any) -> Empty:
            commands.delete_limit(tx, enterprise_id, request.tender, Per(request.per), request.window_days)
            return Empty()

        return self._door.command(request, answer)

    def ListDeclineAlerts(
        self, request: pb.ListDeclineAlertsRequest, context: grpc.ServicerContext
    ) -> pb.ListDeclineAlertsResponse:
        """List alerts, oldest first."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        page = open_page(request.page_size, request.page_token, filters=(request.parent, request.open_only))

        def answer(tx: Any) -> pb.ListDeclineAlertsResponse:
            rows, token = queries.list_alerts(tx, enterprise_id, page, open_only=request.open_only)
            return pb.ListDeclineAlertsResponse(decline_alerts=[_alert(row) for row in rows], next_page_token=token)

        return self._door.query(request, answer)

    def ResolveDeclineAlert(
        self, request: pb.ResolveDeclineAlertRequest, context: grpc.ServicerContext
    ) -> pb.ResolveDeclineAlertResponse:
        """Note that an alert was dealt with."""
        ids = names.parse(PAYMENT_NAME, request.payment, "payment")
        command = commands.ResolveAlert(ids["e"], ids["p"], request.comment)

        def answer(tx: Any) -> pb.ResolveDeclineAlertResponse:
            commands.resolve_alert(tx, command)
            return pb.ResolveDeclineAlertResponse()

        return self._door.command(request, answer)


def _wanted(wanted: pb.DeclineCode, currency: str) -> Code:
    fee = money_from_proto(wanted.decline_fee, "decline_code.decline_fee") if wanted.HasField("decline_fee") else None
    if fee is not None and fee.currency != currency:
        text = f"must be {currency}, the currency of the enterprise's units."
        raise InvalidArgument.field("decline_code.decline_fee.currency_code", text)
    return Code(
        wanted.code,
        Class(wanted.response_class),
        wanted.message,
        wanted.tried,
        wanted.updatable,
        wanted.rebill,
        wanted.invalidate_after,
        wanted.invalidate_months,
        wanted.arm_entry,
        fee.amount_minor if fee else 0,
        wanted.alert,
        Timing(wanted.timing or Timing.SCHEDULE),
    )


def _code(parent: str, one: Code, currency: str) -> pb.DeclineCode:
    return pb.DeclineCode(
        parent=parent,
        code=one.code,
        response_class=one.response_class,
        message=one.message,
        tried=one.is_tried,
        updatable=one.is_updatable,
        rebill=one.rebill,
        invalidate_after=one.invalidate_after,
        invalidate_months=one.invalidate_months,
        arm_entry=one.arm_entry,
        decline_fee=money_to_proto(Money(one.fee_minor, currency)),
        alert=one.alert,
        timing=one.timing,
    )


def _limit(parent: str, one: AttemptLimit) -> pb.AttemptLimit:
    return pb.AttemptLimit(
        parent=parent,
        tender=one.tender,
        per=one.per,
        attempts_max=one.attempts_max,
        window_days=one.window_days,
        defined_at=parent if one.is_own else "",
    )


def _alert(row: Any) -> pb.DeclineAlert:
    account = AccountRef(row.enterprise_id, row.business_unit_id, row.account_id).name
    return pb.DeclineAlert(
        payment=f"{account}/payments/{row.payment_id}",
        account=account,
        code=row.code,
        message=row.message,
        business_date=date_to_proto(row.business_date),
        resolved_by=row.resolved_by,
        comment=row.comment,
    )
