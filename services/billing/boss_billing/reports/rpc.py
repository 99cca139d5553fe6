"""ReportService: convert, call, convert."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from boss.billing.v1 import report_service_pb2 as pb
from boss.billing.v1 import report_service_pb2_grpc

from boss_billing.accounts.rpc import scope
from boss_billing.reconciliation import convert as batches_convert
from boss_billing.reconciliation import queries as batches
from boss_billing.reconciliation import sheets as batch_sheets
from boss_billing.reconciliation.queries import BatchFilter
from boss_billing.reports import convert, queries, sheets
from boss_billing.reports.files import csv_file
from boss_billing.reports.rules import check_tenders
from boss_billing.reports.sheets import Sheet
from boss_billing.reports.workbook import xlsx_file
from boss_kit.errors import InvalidArgument
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door

BYTES_PER_MESSAGE = 256 * 1024
BATCHES_MAX = 2000


class ReportServicer(report_service_pb2_grpc.ReportServiceServicer):
    """What a billing period is reconciled with."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetSubmittedReport(
        self, request: pb.GetSubmittedReportRequest, context: grpc.ServicerContext
    ) -> pb.SubmittedReport:
        """Tell what was submitted."""
        wanted = convert.read_payment_filter(request.parent, request.filter)
        groupings = convert.read_groupings(request.group_by, units_only=request.units_only)

        def answer(tx: Any) -> pb.SubmittedReport:
            return convert.submitted(wanted.enterprise_id, queries.submitted_report(tx, wanted, groupings))

        return self._door.query(request, answer)

    def GetResultsReport(self, request: pb.GetResultsReportRequest, context: grpc.ServicerContext) -> pb.ResultsReport:
        """Tell what became of it."""
        wanted = convert.read_payment_filter(request.parent, request.filter)
        groupings = convert.read_groupings(request.group_by, units_only=request.units_only)

        def answer(tx: Any) -> pb.ResultsReport:
            return convert.results(wanted.enterprise_id, queries.results_report(tx, wanted, groupings))

        return self._door.query(request, answer)

    def GetPaymentBatchesReport(
        self, request: pb.GetPaymentBatchesReportRequest, context: grpc.ServicerContext
    ) -> pb.PaymentBatchesReport:
        """Tell of batches."""
        wanted = convert.read_batch_filter(request.parent, request.filter)
        page = open_page(request.page_size, request.page_token, filters=("batches", wanted), size_max=BATCHES_MAX)

        def answer(tx: Any) -> pb.PaymentBatchesReport:
            names = queries.unit_names(tx, wanted.enterprise_id)
            found = batches.list_batches(tx, wanted)
            shown, token = batches.cut(found, page, names)
            report = batches_convert.batches_report(wanted.enterprise_id, found, shown, names, detail=request.detail)
            report.next_page_token = token
            return report

        return self._door.query(request, answer)

    def GetReconciliationReport(
        self, request: pb.GetReconciliationReportRequest, context: grpc.ServicerContext
    ) -> pb.ReconciliationReport:
        """Tell of batches and their deposits."""
        wanted = convert.read_batch_filter(request.parent, request.filter)
        page = open_page(
            request.page_size,
            request.page_token,
            filters=("reconciliation", wanted, request.only_differences),
            size_max=BATCHES_MAX,
        )

        def answer(tx: Any) -> pb.ReconciliationReport:
            names = queries.unit_names(tx, wanted.enterprise_id)
            found = batches.reconciliation(tx, wanted, only_differences=request.only_differences)
            shown, token = batches.cut(found, page, names)
            explained = batches.explain_all(tx, wanted.enterprise_id, shown)
            report = batches_convert.reconciliation_report(wanted.enterprise_id, found, explained, names)
            report.next_page_token = token
            return report

        return self._door.query(request, answer)

    def ListBatchTransactions(
        self, request: pb.ListBatchTransactionsRequest, context: grpc.ServicerContext
    ) -> pb.ListBatchTransactionsResponse:
        """List the transactions of a batch."""
        enterprise_id, unit_id = scope(request.parent)
        states = batches_convert.ATTEMPT_STATES.get(request.result, ())
        unit_ids = () if unit_id is None else (unit_id,)
        check_tenders([request.tender] if request.tender else [], "tender")
        batches_convert.check_label(request.label)
        wanted = BatchFilter(enterprise_id, unit_ids, request.batch_number, request.label, request.tender, states)
        page = open_page(request.page_size, request.page_token, filters=(wanted,))

        def answer(tx: Any) -> pb.ListBatchTransactionsResponse:
            rows, token = batches.list_transactions(tx, wanted, page)
            transactions = [batches_convert.transaction(row) for row in rows]
            return pb.ListBatchTransactionsResponse(transactions=transactions, next_page_token=token)

        return self._door.query(request, answer)

    def ExportReport(
        self, request: pb.ExportReportRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportReportResponse]:
        """Write a report as a file."""
        make = _sheet_maker(request)

        def answer(tx: Any) -> pb.ExportReportResponse:
            sheet = make(tx)
            if request.format == pb.FILE_FORMAT_CSV:
                return pb.ExportReportResponse(content=csv_file(sheet), file_name=f"{sheet.name}.csv")
            return pb.ExportReportResponse(content=xlsx_file(sheet), file_name=f"{sheet.name}.xlsx")

        def pages(read: Any) -> Iterator[pb.ExportReportResponse]:
            whole = read(answer)
            for start in range(0, len(whole.content), BYTES_PER_MESSAGE):
                piece = whole.content[start : start + BYTES_PER_MESSAGE]
                yield pb.ExportReportResponse(content=piece, file_name="" if start else whole.file_name)

        return self._door.pages(request, pages)

    def ListReportedPayments(
        self, request: pb.ListReportedPaymentsRequest, context: grpc.ServicerContext
    ) -> pb.ListReportedPaymentsResponse:
        """List the payments behind the reports."""
        wanted = convert.read_payment_filter(request.parent, request.filter)
        states = convert.read_states(request.result)
        page = open_page(request.page_size, request.page_token, filters=(wanted, *states))

        def answer(tx: Any) -> pb.ListReportedPaymentsResponse:
            rows, token = queries.list_payments(tx, wanted, states, page)
            return pb.ListReportedPaymentsResponse(
                payments=[convert.payment(row) for row in rows], next_page_token=token
            )

        return self._door.query(request, answer)


def _sheet_maker(request: pb.ExportReportRequest) -> Callable[[Any], Sheet]:
    """Read what a file is to hold; give what makes its table."""
    if request.report in (pb.REPORT_KIND_SUBMITTED, pb.REPORT_KIND_RESULTS):
        return _of_payments(request)
    return _of_batches(request)


def _of_payments(request: pb.ExportReportRequest) -> Callable[[Any], Sheet]:
    wanted = convert.read_payment_filter(request.parent, request.filter)
    groupings = convert.read_groupings(request.group_by, units_only=False)
    if request.only_differences:
        raise InvalidArgument.field("only_differences", "narrows only Billing Reconciliation; leave it out.")

    def make(tx: Any) -> Sheet:
        of = sheets.described(wanted, queries.units_named(tx, wanted))
        if request.report == pb.REPORT_KIND_SUBMITTED:
            return sheets.submitted_sheet(queries.submitted_report(tx, wanted, groupings), of)
        return sheets.results_sheet(queries.results_report(tx, wanted, groupings), of)

    return make


def _of_batches(request: pb.ExportReportRequest) -> Callable[[Any], Sheet]:
    wanted = convert.read_batch_filter(request.parent, request.filter)
    only, is_reconciliation = request.only_differences, request.report == pb.REPORT_KIND_RECONCILIATION
    if request.group_by:
        raise InvalidArgument.field("group_by", "is for Post-Billing Submitted and Results; leave it out.")
    if only and not is_reconciliation:
        raise InvalidArgument.field("only_differences", "narrows only Billing Reconciliation; leave it out.")

    def make(tx: Any) -> Sheet:
        names = queries.unit_names(tx, wanted.enterprise_id)
        of = sheets.described(wanted, queries.units_named(tx, wanted), only_differences=only)
        if not is_reconciliation:
            return batch_sheets.batches_sheet(batches.list_batches(tx, wanted), of, names)
        found = batches.reconciliation(tx, wanted, only_differences=only)
        return batch_sheets.reconciliation_sheet(batches.explain_all(tx, wanted.enterprise_id, found), of, names)

    return make
