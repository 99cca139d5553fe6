"""BillRunService: convert, call, convert."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, Protocol
from uuid import UUID

import grpc
from boss.billing.v1 import bill_run_service_pb2 as pb
from boss.billing.v1 import bill_run_service_pb2_grpc

from boss_billing.accounts.rpc import scope as unit_scope
from boss_billing.runs import commands, convert, previews, queries
from boss_billing.runs.rules import APPROVE, RUN_NAME, BillRun, DuePage, Scope
from boss_billing.units.rules import ENTERPRISE_NAME
from boss_kit import names
from boss_kit.days import check_year
from boss_kit.paging import Page, open_page
from boss_kit.rpc.convert import date_from_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

WATCH_EVERY_S = 0.5
_OVER = (pb.BillRun.STATE_SUBMITTED, pb.BillRun.STATE_CANCELLED)
DUE, OPEN = "due", "open"
"""The two parts of a preview: what agreements says is due, and the invoices that are open."""


class Looks(Protocol):
    """What agreements says of a day that isn't closed."""

    def look(
        self, enterprise_id: UUID, business_unit_id: UUID, bill_date: date, page_size: int, page_token: str
    ) -> DuePage:
        """Look at one page of what is due."""
        ...


class BillRunServicer(bill_run_service_pb2_grpc.BillRunServiceServicer):
    """Bill runs and their batches."""

    def __init__(self, door: Door, due_charges: Looks) -> None:
        self._door = door
        self._due_charges = due_charges

    def PreviewBillRun(
        self, request: pb.PreviewBillRunRequest, context: grpc.ServicerContext
    ) -> pb.PreviewBillRunResponse:
        """Show a page of what a run would do: what is due by unit, then what is open."""
        scope = convert.scope(request.parent)
        day = _bill_date(request)
        page = open_page(request.page_size, request.page_token, filters=(request.parent, day))
        part, place, inner = page.key(str, str, str) or (DUE, "", "")
        if part == DUE:
            return self._preview_due(request, scope, page, (place, inner))
        return self._preview_open(request, scope, page, (place, UUID(inner)))

    def CreateBillRun(self, request: pb.CreateBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Draft a run."""
        return self._begin(request, commands.create_run)

    def ApproveBillRun(self, request: pb.ApproveBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Let a draft go."""
        return self._change(request, commands.approve_run)

    def StartBillRun(self, request: pb.StartBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Start a run."""
        approved_by = self._approver()
        return self._begin(request, lambda tx, run: commands.start_run(tx, replace(run, approved_by=approved_by)))

    def CancelBillRun(self, request: pb.CancelBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Stop a run."""
        return self._change(request, commands.cancel_run)

    def ResumeBillRun(self, request: pb.ResumeBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Go on with a run."""
        return self._change(request, commands.resume_run)

    def GetBillRun(self, request: pb.GetBillRunRequest, context: grpc.ServicerContext) -> pb.BillRun:
        """Read a run."""
        ids = names.parse(RUN_NAME, request.name)
        return self._door.query(request, lambda tx: convert.run(queries.get_run(tx, ids["e"], ids["r"])))

    def ListBillRuns(self, request: pb.ListBillRunsRequest, context: grpc.ServicerContext) -> pb.ListBillRunsResponse:
        """List runs, newest bill date first."""
        enterprise_id = names.parse(ENTERPRISE_NAME, request.parent, "parent")["e"]
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListBillRunsResponse:
            found, token = queries.list_runs(tx, enterprise_id, page)
            return pb.ListBillRunsResponse(bill_runs=[convert.run(one) for one in found], next_page_token=token)

        return self._door.query(request, answer)

    def WatchBillRun(self, request: pb.WatchBillRunRequest, context: grpc.ServicerContext) -> Iterator[pb.BillRun]:
        """Stream a run's progress until it is done."""
        ids = names.parse(RUN_NAME, request.name)
        gone = threading.Event()
        context.add_callback(gone.set)

        def pages(read: Any) -> Iterator[pb.BillRun]:
            before = None
            while not gone.is_set():
                now = read(lambda tx: convert.run(queries.get_run(tx, ids["e"], ids["r"])))
                if now != before:
                    yield now
                if now.state in _OVER:
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
            return pb.ListSkippedChargesResponse(
                skipped_charges=[convert.skipped(row) for row in rows], next_page_token=token
            )

        return self._door.query(request, answer)

    def ListBatches(self, request: pb.ListBatchesRequest, context: grpc.ServicerContext) -> pb.ListBatchesResponse:
        """List batches by number."""
        enterprise_id, unit_id = unit_scope(request.parent)
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListBatchesResponse:
            found, token = queries.list_batches(tx, enterprise_id, unit_id, page)
            return pb.ListBatchesResponse(batches=[convert.batch(*one) for one in found], next_page_token=token)

        return self._door.query(request, answer)

    def _approver(self) -> str:
        """Tell who lets a run go by this call: the caller, or the second person whose token comes along; or nobody."""
        actor = self._door.context().actor
        if actor.approver is not None and self._door.approver_may(APPROVE):
            return actor.approver.user
        return actor.user if self._door.caller_may(APPROVE) else ""

    def _begin(self, request: Any, begin: Callable[[Transaction, commands.StartBillRun], BillRun]) -> pb.BillRun:
        command = commands.StartBillRun(convert.scope(request.parent), _bill_date(request))

        def answer(tx: Transaction) -> pb.BillRun:
            return convert.run(queries.get_run(tx, command.scope.enterprise_id, begin(tx, command).id))

        return self._door.command(request, answer)

    def _change(self, request: Any, change: Callable[[Transaction, UUID], None]) -> pb.BillRun:
        ids = names.parse(RUN_NAME, request.name)

        def answer(tx: Transaction) -> pb.BillRun:
            change(tx, ids["r"])
            return convert.run(queries.get_run(tx, ids["e"], ids["r"]))

        return self._door.command(request, answer)

    def _preview_due(
        self, request: pb.PreviewBillRunRequest, scope: Scope, page: Page, place: tuple[str, str]
    ) -> pb.PreviewBillRunResponse:
        day = _bill_date(request)
        unit_ids = self._door.look(lambda tx: previews.scope_units(tx, scope))
        left = [one for one in unit_ids if not place[0] or one == UUID(place[0])]
        if not left:
            return pb.PreviewBillRunResponse(next_page_token=page.token((OPEN, "", str(UUID(int=0)))))
        unit_id = left[0]
        due = self._due_charges.look(scope.enterprise_id, unit_id, day, page.size, place[1])
        following = unit_ids[unit_ids.index(unit_id) + 1 :]
        token = page.token((OPEN, "", str(UUID(int=0))))
        if due.next_page_token:
            token = page.token((DUE, str(unit_id), due.next_page_token))
        elif following:
            token = page.token((DUE, str(following[0]), ""))
        unit_name = f"enterprises/{scope.enterprise_id}/businessUnits/{unit_id}"

        def answer(tx: Transaction) -> pb.PreviewBillRunResponse:
            found = previews.preview_due(tx, scope.enterprise_id, day, due)
            planned = [convert.planned(one, unit_name) for one in found]
            return pb.PreviewBillRunResponse(agreements=planned, next_page_token=token)

        return self._door.query(request, answer)

    def _preview_open(
        self, request: pb.PreviewBillRunRequest, scope: Scope, page: Page, after: tuple[str, UUID]
    ) -> pb.PreviewBillRunResponse:
        day = _bill_date(request)

        def answer(tx: Transaction) -> pb.PreviewBillRunResponse:
            found, last = previews.preview_collect(tx, scope, day, after, page.size)
            token = page.token((OPEN, last[0], str(last[1]))) if last else ""
            return pb.PreviewBillRunResponse(
                agreements=[convert.planned(one, "") for one in found], next_page_token=token
            )

        return self._door.query(request, answer)


def _bill_date(request: Any) -> date:
    return check_year(date_from_proto(request.bill_date, "bill_date"), "bill_date")
