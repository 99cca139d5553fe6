"""BillRunService: convert, call, convert."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
from boss.billing.v1 import bill_run_service_pb2 as pb
from boss.billing.v1 import bill_run_service_pb2_grpc

from boss_billing.accounts.rpc import scope
from boss_billing.batches.rules import BatchState
from boss_billing.runs import commands, queries
from boss_billing.runs.queries import Progress
from boss_billing.runs.rules import RUN_NAME, RunState
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto, time_to_proto
from boss_kit.rpc.door import Door

WATCH_EVERY_S = 0.5
_STATES = {state.value: f"STATE_{state.name}" for state in RunState}


class BillRunServicer(bill_run_service_pb2_grpc.BillRunServiceServicer):
    """Bill runs and their batches."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def StartBillRun(self, request: pb.StartBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Start a run."""
        enterprise_id, unit_id = scope(request.parent)
        command = commands.StartBillRun(enterprise_id, unit_id, date_from_proto(request.bill_date, "bill_date"))

        def answer(tx: Any) -> pb.BillRun:
            run = commands.start_run(tx, command)
            return _run(queries.get_run(tx, enterprise_id, run.id))

        return self._door.command(request, answer)

    def GetBillRun(self, request: pb.GetBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Read a run."""
        ids = names.parse(RUN_NAME, request.name)
        return self._door.query(request, lambda tx: _run(queries.get_run(tx, ids["e"], ids["r"])))

    def ListBillRuns(self, request: pb.ListBillRunsRequest, context: grpc.ServicerContext) -> pb.ListBillRunsResponse:
        """List runs, newest bill date first."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListBillRunsResponse:
            found, token = queries.list_runs(tx, enterprise_id, page)
            return pb.ListBillRunsResponse(bill_runs=[_run(one) for one in found], next_page_token=token)

        return self._door.query(request, answer)

    def WatchBillRun(self, request: pb.WatchBillRunRequest, context: grpc.ServicerContext) -> Iterator[pb.BillRun]:
        """Stream a run's progress until it is done."""
        ids = names.parse(RUN_NAME, request.name)
        gone = threading.Event()
        context.add_callback(gone.set)

        def pages(read: Any) -> Iterator[pb.BillRun]:
            before = None
            while not gone.is_set():
                now = read(lambda tx: _run(queries.get_run(tx, ids["e"], ids["r"])))
                if now != before:
                    yield now
                if now.state == pb.BillRun.STATE_SUBMITTED:
                    return
                before = now
                gone.wait(WATCH_EVERY_S)

        return self._door.pages(request, pages)

    def ListSkippedCharges(
        self, request: pb.ListSkippedChargesRequest, context: grpc.ServicerContext
    ) -> pb.ListSkippedChargesResponse:
        """List what a run skipped."""
        ids = names.parse(RUN_NAME, request.parent, "parent")
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListSkippedChargesResponse:
            rows, token = queries.list_skipped(tx, ids["e"], ids["r"], page)
            return pb.ListSkippedChargesResponse(skipped_charges=[_skipped(row) for row in rows], next_page_token=token)

        return self._door.query(request, answer)

    def ListBatches(self, request: pb.ListBatchesRequest, context: grpc.ServicerContext) -> pb.ListBatchesResponse:
        """List batches by number."""
        enterprise_id, unit_id = scope(request.parent)
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListBatchesResponse:
            found, token = queries.list_batches(tx, enterprise_id, unit_id, page)
            return pb.ListBatchesResponse(batches=[_batch(*one) for one in found], next_page_token=token)

        return self._door.query(request, answer)


def _run(one: Progress) -> pb.BillRun:
    enterprise = f"enterprises/{one.enterprise_id}"
    is_unit = one.scope_id != one.enterprise_id
    return pb.BillRun(
        name=f"{enterprise}/billRuns/{one.id}",
        scope=f"{enterprise}/businessUnits/{one.scope_id}" if is_unit else enterprise,
        bill_date=date_to_proto(one.bill_date),
        state=_STATES[one.state],
        invoices=one.invoices,
        amount_invoiced=money_to_proto(Money(one.invoiced_minor, one.currency)),
        payments=one.payments,
        amount_submitted=money_to_proto(Money(one.payments_minor, one.currency)),
        skipped=one.skipped,
        shards=one.shards,
        shards_done=one.shards_done,
        batches=one.batches,
        batches_submitted=one.batches_submitted,
        create_time=time_to_proto(one.create_time),
    )


def _skipped(row: Any) -> pb.SkippedCharge:
    return pb.SkippedCharge(agreement_number=row.agreement_number, reason=row.reason, description=row.description)


def _batch(row: Any, tenders: Any) -> pb.Batch:
    return pb.Batch(
        name=f"enterprises/{row.enterprise_id}/businessUnits/{row.business_unit_id}/batches/{row.id}",
        number=row.number,
        label=row.label,
        bill_date=date_to_proto(row.bill_date),
        # Until the processor has it, a batch is only cut, whether or not it is on its way.
        state="cut" if row.state == BatchState.SUBMITTING else row.state,
        tenders=[
            pb.TenderTotal(
                tender=one.tender,
                payments=one.payments,
                amount=money_to_proto(Money(int(one.amount_minor), one.currency)),
                approved=one.approved,
                declined=one.declined,
            )
            for one in tenders
        ],
    )
