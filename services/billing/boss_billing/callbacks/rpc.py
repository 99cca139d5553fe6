"""ProcessorCallbackService: keep first, then apply (SPEC BIL-8)."""

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc

from boss_billing.callbacks import commands, convert, process, queries, refunds, returns
from boss_billing.callbacks.keeping import Tally
from boss_billing.callbacks.process import Report, ResultReports
from boss_billing.callbacks.resolution import ResolveCallback, resolve_callback
from boss_billing.callbacks.rules import OPEN, CallbackKind
from boss_billing.callbacks.updates import keep_updates
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class ProcessorCallbackServicer(processor_callback_service_pb2_grpc.ProcessorCallbackServiceServicer):
    """Where processors call back: kept in one transaction, applied in the next."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._results = ResultReports(door.units)

    def ReportPaymentResults(
        self, request: pb.ReportPaymentResultsRequest, context: grpc.ServicerContext
    ) -> pb.ReportPaymentResultsResponse:
        """Take results of attempts."""
        names.parse(ENTERPRISE_NAME, request.parent, "parent")
        tally = self._results.take(Report(self._door.context(), convert.results(request)))
        return pb.ReportPaymentResultsResponse(
            applied=tally.applied, repeated_results=tally.repeated, unmatched=tally.unmatched
        )

    def ReportAccountUpdates(
        self, request: pb.ReportAccountUpdatesRequest, context: grpc.ServicerContext
    ) -> pb.ReportAccountUpdatesResponse:
        """Take what the card updater says."""
        updates = convert.updates(request)
        tally = self._take(request, CallbackKind.ACCOUNT_UPDATE, updates, keep_updates)
        return pb.ReportAccountUpdatesResponse(
            applied=tally.applied, repeated_updates=tally.repeated, unmatched=tally.unmatched
        )

    def ReportRefundResults(
        self, request: pb.ReportRefundResultsRequest, context: grpc.ServicerContext
    ) -> pb.ReportRefundResultsResponse:
        """Take results of refunds."""
        results = convert.refund_results(request)
        tally = self._take(request, CallbackKind.REFUND_RESULT, results, refunds.keep_refund_results)
        return pb.ReportRefundResultsResponse(
            applied=tally.applied, repeated_results=tally.repeated, unmatched=tally.unmatched
        )

    def ReportReturns(
        self, request: pb.ReportReturnsRequest, context: grpc.ServicerContext
    ) -> pb.ReportReturnsResponse:
        """Take returns, chargebacks and reversals."""
        told = convert.returns(request)
        tally = self._take(request, CallbackKind.PAYMENT_RETURN, told, returns.keep_returns)
        return pb.ReportReturnsResponse(
            applied=tally.applied, repeated_returns=tally.repeated, unmatched=tally.unmatched
        )

    def ReportDeposits(
        self, request: pb.ReportDepositsRequest, context: grpc.ServicerContext
    ) -> pb.ReportDepositsResponse:
        """Take deposits."""
        deposits = convert.deposits(request)
        tally = self._take(request, CallbackKind.DEPOSIT, deposits, commands.keep_deposits)
        return pb.ReportDepositsResponse(
            applied=tally.applied, repeated_deposits=tally.repeated, unmatched=tally.unmatched
        )

    def ListUnmatchedCallbacks(
        self, request: pb.ListUnmatchedCallbacksRequest, context: grpc.ServicerContext
    ) -> pb.ListUnmatchedCallbacksResponse:
        """List what doesn't fit what we know."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        page = open_page(request.page_size, request.page_token, filters=(request.parent, str(request.state)))
        states = [convert.STATES[request.state]] if request.state else OPEN

        def answer(tx: Any) -> pb.ListUnmatchedCallbacksResponse:
            found, token = queries.list_unmatched(tx, enterprise_id, page, states)
            return pb.ListUnmatchedCallbacksResponse(
                unmatched_callbacks=[convert.open_callback(one) for one in found], next_page_token=token
            )

        return self._door.query(request, answer)

    def ResolveCallback(
        self, request: pb.ResolveCallbackRequest, context: grpc.ServicerContext
    ) -> pb.ResolveCallbackResponse:
        """Resolve a callback that doesn't fit."""
        names.parse(ENTERPRISE_NAME, request.parent, "parent")
        resolution = convert.RESOLUTIONS[request.resolution]
        command = ResolveCallback(request.kind, request.callback_id, resolution, request.comment)

        def answer(tx: Any) -> pb.ResolveCallbackResponse:
            resolve_callback(tx, command)
            return pb.ResolveCallbackResponse()

        return self._door.command(request, answer)

    def _take(
        self,
        request: Any,
        kind: CallbackKind,
        callbacks: Sequence[Any],
        keep: Callable[[Transaction, Sequence[Any]], object],
    ) -> Tally:
        names.parse(ENTERPRISE_NAME, request.parent, "parent")
        context = self._door.context()
        with self._door.units.begin(context) as tx:
            keep(tx, callbacks)
        with self._door.units.begin(context) as tx:
            return process.apply(tx, kind, [one.callback_id for one in callbacks])
