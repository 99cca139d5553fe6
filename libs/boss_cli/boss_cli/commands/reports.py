"""`boss reports`: the four reports a billing period is reconciled with (SPEC BIL-9)."""

from collections.abc import Sequence
from typing import Any

import typer
from boss.billing.v1 import report_service_pb2 as pb
from rich.table import Table

from boss_cli import screen
from boss_cli.commands import batch_reports
from boss_cli.reporting import (
    INDENT,
    Csv,
    From,
    GroupBy,
    Tender,
    To,
    Unit,
    Xlsx,
    amount,
    asked,
    export,
    figure,
    groupings,
    mark,
    of_days,
)
from boss_cli.reporting import show as show_report
from boss_cli.session import session_of

app = typer.Typer(no_args_is_help=True, help="Reports: submitted, results, batches, reconciliation.")
SUBMITTED_COLUMNS = ("", "payments", "new", "on account", "past due", "total submitted", "amount invoiced", "")
RESULTS_COLUMNS = (
    "", "submitted", "approved", "by retry", "declined", "not tried", "not final", "% count", "% amount", "",
)  # fmt: skip


@app.command()
def submitted(
    context: typer.Context,
    first: From,
    last: To,
    unit: Unit = "",
    tender: Tender = None,
    group_by: GroupBy = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
) -> None:
    """Show what was submitted for payment: New + On Account + Past Due, beside what was invoiced."""
    session = session_of(context)
    of = {**asked(context, first, last, unit, tender), "group_by": groupings(group_by)}
    report = session.clients.billing.reports.GetSubmittedReport(pb.GetSubmittedReportRequest(**of))
    table = screen.table(SUBMITTED_COLUMNS, (), right=SUBMITTED_COLUMNS[1:-1])
    for line in (*report.lines, *report.totals):
        sums = (line.new_payments, line.on_account, line.past_due, line.total)
        cells = (f"{line.total.count:,}", *(amount(one.amount) for one in sums), amount(line.amount_invoiced))
        _add(table, line, cells, line.total.amount.currency_code)
    show_report(table, "Post-Billing Submitted", of_days(first, last), provisional=report.provisional)
    export(session, pb.ExportReportRequest(report=pb.REPORT_KIND_SUBMITTED, **of), csv, xlsx)


@app.command()
def results(
    context: typer.Context,
    first: From,
    last: To,
    unit: Unit = "",
    tender: Tender = None,
    group_by: GroupBy = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
) -> None:
    """Show what became of it, by unit and item, and by tender.

    submitted = approved + declined + not tried + not final.
    """
    session = session_of(context)
    of = {**asked(context, first, last, unit, tender), "group_by": groupings(group_by)}
    report = session.clients.billing.reports.GetResultsReport(pb.GetResultsReportRequest(**of))
    table = screen.table(RESULTS_COLUMNS, (), right=RESULTS_COLUMNS[1:-1])
    for line in (*report.lines, *report.totals):
        _add(table, line, _results(line), line.submitted.amount.currency_code)
    show_report(table, "Post-Billing Results", of_days(first, last), provisional=report.provisional)
    if report.tender_lines:
        show_report(_tenders(report), "By tender", of_days(first, last))
    export(session, pb.ExportReportRequest(report=pb.REPORT_KIND_RESULTS, **of), csv, xlsx)


app.command()(batch_reports.batches)
app.command()(batch_reports.reconciliation)
app.command()(batch_reports.transactions)


def _add(table: Table, line: Any, cells: Sequence[str], currency: str) -> None:
    if line.level == 0:
        table.add_row(f"Grand total {currency}", *cells, mark(line), style="bold")
    else:
        label = INDENT * (line.level - 1) + (line.group[-1] or "-")
        table.add_row(screen.clean(label), *cells, mark(line), style="bold" if line.level == 1 else "")


def _tenders(report: pb.ResultsReport) -> Table:
    """Lay the tenders out, each unit's below its name."""
    table = screen.table(RESULTS_COLUMNS, (), right=RESULTS_COLUMNS[1:-1])
    above = ""
    for line in report.tender_lines:
        unit, tender = line.group
        if unit != above:
            table.add_row(screen.clean(unit), style="bold")
        table.add_row(screen.clean(INDENT + tender), *_results(line), mark(line))
        above = unit
    table.add_row("All business units", style="bold")
    for line in report.tender_totals:
        table.add_row(screen.clean(INDENT + line.group[0]), *_results(line), mark(line), style="bold")
    return table


def _results(line: Any) -> tuple[str, ...]:
    figures = (line.submitted, line.approved, line.retry_approved, line.declined, line.not_attempted, line.not_final)
    return (
        *(figure(one) for one in figures),
        line.declined_percent_by_count,
        line.declined_percent_by_amount,
    )
