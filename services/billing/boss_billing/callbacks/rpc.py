"""ProcessorCallbackService: keep first, then apply (SPEC BIL-8)."""

from typing import Any

import grpc
from boss.billing.v1 import processor_callback_service_pb2 as pb
from boss.billing.v1 import processor_callback_service_pb2_grpc

from boss_billing.callbacks import commands, convert, queries
from boss_billing.callbacks.commands import Tally
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.convert import time_to_proto
from boss_kit.rpc.door import Door


class ProcessorCallbackServicer(processor_callback_service_pb2_grpc.ProcessorCallbackServiceServicer):
    """Where processors call back: kept in one transaction, applied in the next."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def ReportPaymentResults(
        self, request: pb.ReportPaymentResultsRequest, context: grpc.ServicerContext
    ) -> pb.ReportPaymentResultsResponse:
        """Take results of attempts."""
        names.parse(ENTERPRISE_NAME, request.parent, "parent")
        results = [convert.result(message) for message in request.results]
        self._door.record(lambda tx: _kept(commands.keep_results(tx, results)))

        def answer(tx: Any) -> pb.ReportPaymentResultsResponse:
            tally: Tally = commands.apply_results(tx, [one.callback_id for one in results])
            return pb.ReportPaymentResultsResponse(
                applied=tally.applied, repeated_results=tally.repeated, unmatched=tally.unmatched
            )

        return self._door.record(answer)

    def ReportAccountUpdates(
        self, request: pb.ReportAccountUpdatesRequest, context: grpc.ServicerContext
    ) -> pb.ReportAccountUpdatesResponse:
        """Take answers of the card updater."""
        names.parse(ENTERPRISE_NAME, request.parent, "parent")
        updates = [convert.update(message) for message in request.updates]
        self._door.record(lambda tx: _kept(commands.keep_updates(tx, updates)))

        def answer(tx: Any) -> pb.ReportAccountUpdatesResponse:
            tally: Tally = commands.apply_updates(tx, [one.callback_id for one in updates])
            return pb.ReportAccountUpdatesResponse(
                applied=tally.applied, repeated_updates=tally.repeated, unmatched=tally.unmatched
            )

        return self._door.record(answer)

    def ListUnmatchedCallbacks(
        self, request: pb.ListUnmatchedCallbacksRequest, context: grpc.ServicerContext
    ) -> pb.ListUnmatchedCallbacksResponse:
        """List what fits nothing we know."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListUnmatchedCallbacksResponse:
            rows, token = queries.list_unmatched(tx, enterprise_id, page)
            return pb.ListUnmatchedCallbacksResponse(
                unmatched_callbacks=[_unmatched(row) for row in rows], next_page_token=token
            )

        return self._door.query(request, answer)


def _kept(count: int) -> pb.ReportPaymentResultsResponse:
    return pb.ReportPaymentResultsResponse(applied=count)


def _unmatched(row: Any) -> pb.UnmatchedCallback:
    return pb.UnmatchedCallback(
        callback_id=row.callback_id,
        kind=row.kind,
        reason=row.reason,
        create_time=time_to_proto(row.create_time),
    )
