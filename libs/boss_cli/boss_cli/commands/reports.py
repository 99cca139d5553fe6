"""`boss reports`: the four reports a billing period is reconciled with (SPEC BIL-9)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from boss.billing.v1 import report_service_pb2 as pb
from rich.table import Table

from boss_cli import screen
from boss_cli.failures import BossCommandError
from boss_cli.session import Session, session_of
from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto

app = typer.Typer(no_args_is_help=True, help="Reports: submitted, results, batches, reconciliation.")
PAGE_SIZE = 2000
INDENT = "  "
PROVISIONAL = "provisional"

From = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First bill date.")]
To = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last bill date.")]
Unit = Annotated[str, typer.Option(help="Only this business unit, by its external id.")]
Tender = Annotated[list[str] | None, typer.Option("--tender", help="Only this tender; may be given again.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the report to this CSV file, too.")]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", help="Write the report to this Excel workbook, too.")]


@app.command()
def submitted(
    context: typer.Context,
    first: From,
    last: To,
    unit: Unit = "",
    tender: Tender = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
) -> None:
    """Show what was submitted for payment: New + On Account + Past Due, beside what was invoiced."""
    session, asked = session_of(context), _asked(context, first, last, unit, tender)
    report = session.clients.billing.reports.GetSubmittedReport(pb.GetSubmittedReportRequest(**asked))
    columns = ("", "payments", "new", "on account", "past due", "total submitted", "amount invoiced", "")
    table = screen.table(columns, (), right=columns[1:-1])
    for line in (*report.lines, *report.totals):
        sums = (line.new_payments, line.on_account, line.past_due, line.total)
        cells = (f"{line.total.count:,}", *(_amount(one.amount) for one in sums), _amount(line.amount_invoiced))
        _add(table, line, cells)
    _show(table, "Post-Billing Submitted", first, last, provisional=report.provisional)
    _export(session, asked, pb.REPORT_KIND_SUBMITTED, csv, xlsx)


@app.command()
def results(
    context: typer.Context,
    first: From,
    last: To,
    unit: Unit = "",
    tender: Tender = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
) -> None:
    """Show what became of it, by unit and item, and by tender: approved + declined = submitted."""
    session, asked = session_of(context), _asked(context, first, last, unit, tender)
    report = session.clients.billing.reports.GetResultsReport(pb.GetResultsReportRequest(**asked))
    columns = (
        "", "submitted", "approved", "by retry", "declined", "not tried", "not final", "% count", "% amount", "",
    )  # fmt: skip
    table = screen.table(columns, (), right=columns[1:-1])
    for line in (*report.lines, *report.totals):
        _add(table, line, _results(line))
    tenders = screen.table(columns, (), right=columns[1:-1])
    for line in (*report.tender_lines, *report.tender_totals):
        label = " ".join(line.group) if line.level else f"All {line.group[0]}"
        tenders.add_row(screen.clean(label), *_results(line), _mark(line), style="" if line.level else "bold")
    _show(table, "Post-Billing Results", first, last, provisional=report.provisional)
    _show(tenders, "By tender", first, last)
    _export(session, asked, pb.REPORT_KIND_RESULTS, csv, xlsx)


@app.command()
def batches(
    context: typer.Context,
    first: From,
    last: To,
    unit: Unit = "",
    tender: Tender = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
    *,
    summary: Annotated[bool, typer.Option("--summary", help="Only what each batch came to.")] = False,
) -> None:
    """Show batches by number, Original then Retry, by tender."""
    session, asked = session_of(context), _asked(context, first, last, unit, tender)
    request = pb.GetPaymentBatchesReportRequest(detail=not summary, page_size=PAGE_SIZE, **asked)
    columns = ("batch", "bill date", "label", "tender", "count", "submitted", "approved", "declined", "errors", "")
    table = screen.table(columns, (), right=("count", "submitted", "approved", "declined", "errors"))
    last_page = pb.PaymentBatchesReport()
    unit = ""
    for last_page in _pages(session.clients.billing.reports.GetPaymentBatchesReport, request):
        for batch in last_page.batches:
            unit = _unit_row(table, batch, unit)
            _batch_rows(table, batch, summary=summary)
    for total in last_page.totals:
        cells = ("", "", "", *_sums(total), screen.money(total.submitted.amount)[-3:])
        table.add_row(f"{total.batches:,} batches", *cells, style="bold")
    _show(table, "Billing Payment Batches", first, last, provisional=last_page.provisional)
    _export(session, asked, pb.REPORT_KIND_BATCHES, csv, xlsx)


@app.command()
def reconciliation(
    context: typer.Context,
    first: From,
    last: To,
    unit: Unit = "",
    tender: Tender = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
    *,
    only_differences: Annotated[bool, typer.Option("--only-differences", help="Only batches that differ.")] = False,
) -> None:
    """Show batches beside their deposits, and every difference with the transactions that explain it."""
    session, asked = session_of(context), _asked(context, first, last, unit, tender)
    request = pb.GetReconciliationReportRequest(only_differences=only_differences, page_size=PAGE_SIZE, **asked)
    columns = (
        "batch",
        "submitted",
        "approved",
        "declined",
        "retry",
        "expected",
        "deposited",
        "awaited",
        "difference",
        "",
    )
    table = screen.table(columns, (), right=columns[1:-1])
    last_page = pb.ReconciliationReport()
    unit = ""
    for last_page in _pages(session.clients.billing.reports.GetReconciliationReport, request):
        for batch in last_page.batches:
            unit = _unit_row(table, batch, unit)
            _reconciled_rows(table, batch)
    for total in last_page.totals:
        money = (total.submitted, total.original_approved, total.original_declined, total.retry_approved)
        expected = _minor(total.original_approved) + _minor(total.retry_approved)
        cells = [*map(_amount, money), _of(expected, total.submitted)]
        cells += [_amount(one) for one in (total.deposited, total.awaited, total.differing)]
        text = f"{total.differences:,} differences, {total.submitted.currency_code}"
        table.add_row(f"{total.batches:,} batches", *cells, text, style="bold")
    _show(table, "Billing Reconciliation", first, last, provisional=last_page.provisional)
    _export(session, asked, pb.REPORT_KIND_RECONCILIATION, csv, xlsx)


def _asked(
    context: typer.Context, first: datetime, last: datetime, unit: str, tender: Sequence[str] | None
) -> dict[str, Any]:
    days = {"start_date": screen.to_date(first), "end_date": screen.to_date(last)}
    which = pb.ReportFilter(**days, tenders=tender or ())
    return {"parent": session_of(context).scope(unit), "filter": which}


def _pages(method: Any, request: Any) -> Iterator[Any]:
    while True:
        page = method(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _add(table: Table, line: Any, cells: Sequence[str]) -> None:
    if line.level == 0:
        label = f"Grand total {line.total.amount.currency_code}" if hasattr(line, "total") else "Grand total"
        table.add_row(label, *cells, _mark(line), style="bold")
    else:
        label = INDENT * (line.level - 1) + (line.group[-1] or "-")
        table.add_row(screen.clean(label), *cells, _mark(line), style="bold" if line.level == 1 else "")


def _results(line: Any) -> tuple[str, ...]:
    figures = (line.submitted, line.approved, line.retry_approved, line.declined, line.not_attempted, line.not_final)
    return (
        *(_figure(one) for one in figures),
        line.declined_percent_by_count,
        line.declined_percent_by_amount,
    )


def _unit_row(table: Table, batch: Any, above: str) -> str:
    """Begin a business unit, where it is another than the one above."""
    unit: str = batch.business_unit_display_name or "No batch of ours"
    if unit != above:
        table.add_row(screen.clean(unit), style="bold underline")
    return unit


def _batch_rows(table: Table, batch: Any, *, summary: bool) -> None:
    number, day = str(batch.number), screen.day(batch.bill_date)
    for part in batch.parts:
        label = f"{part.label} total" if not part.tender else part.label
        table.add_row(number, day, label, part.tender, *_sums(part), "", style="" if part.tender else "italic")
        number = day = ""
    label = "" if summary else "final"
    table.add_row(number, day, label, "", *_sums(batch), _mark(batch), style="bold")


def _reconciled_rows(table: Table, batch: Any) -> None:
    original, retry = batch.original, batch.retry
    differing = sum(_minor(one.amount) for one in batch.differences)
    known = bool(batch.business_unit) and original.submitted.amount.currency_code
    sums = [one.amount for one in (original.submitted, original.approved, original.declined, retry.approved)]
    cells = [_amount(one) if known else "" for one in sums]
    cells += [_amount(one) for one in (batch.approved, batch.deposited, batch.awaited)]
    mark = _mark(batch) or ("in order" if not batch.differences else "")
    cells.append(_of(differing, batch.deposited))
    table.add_row(str(batch.number), *cells, mark, style="bold" if batch.differences else "")
    for deposit in batch.deposits:
        told = (screen.day(deposit.deposit_date), deposit.tender, deposit.label, deposit.statement)
        text = " ".join(part for part in told if part)
        table.add_row("", *[""] * 5, _amount(deposit.gross), "", "", screen.clean(text), style="dim")
    for one in batch.differences:
        text = f"{one.tender} {one.text}".strip()
        table.add_row("", *[""] * 7, _amount(one.amount), screen.clean(text), style="red")
        for each in one.transactions:
            text = f"{INDENT}{each.account_number} {each.label} {_amount(each.amount)} {each.response_message}"
            table.add_row("", *[""] * 8, screen.clean(text), style="dim")


def _sums(of: Any) -> tuple[str, ...]:
    return (
        f"{of.submitted.count:,}",
        _amount(of.submitted.amount),
        _amount(of.approved.amount),
        _amount(of.declined.amount),
        f"{of.processing_errors:,}" if of.processing_errors else "",
    )


def _mark(line: Any) -> str:
    return PROVISIONAL if line.provisional else ""


def _figure(figure: Any) -> str:
    return f"{figure.count:,} / {_amount(figure.amount)}" if figure.count or _minor(figure.amount) else "-"


def _amount(amount: Any) -> str:
    """Write an amount without its currency, which the total names."""
    return screen.money(amount).partition(" ")[0] if amount.currency_code else ""


def _minor(amount: Any) -> int:
    return money_from_proto(amount).amount_minor if amount.currency_code else 0


def _of(amount_minor: int, like: Any) -> str:
    """Write minor units in the currency of another amount."""
    return str(Money(amount_minor, like.currency_code)).partition(" ")[0]


def _show(table: Table, title: str, first: datetime, last: datetime, *, provisional: bool = False) -> None:
    console = screen.out()
    console.print(f"{title}, bill dates {first:%Y-%m-%d} to {last:%Y-%m-%d}", style="bold")
    if not table.row_count:
        console.print("Nothing was billed in these days.")
        return
    console.print(table)
    if provisional:
        console.print("Provisional: some results or deposits may still come.", style="yellow")
    console.print()


def _export(session: Session, asked: dict[str, Any], report: Any, csv: Path | None, xlsx: Path | None) -> None:
    for path, form in ((csv, pb.FILE_FORMAT_CSV), (xlsx, pb.FILE_FORMAT_XLSX)):
        if path is None:
            continue
        request = pb.ExportReportRequest(report=report, format=form, **asked)
        try:
            with path.open("wb") as file:
                for piece in session.clients.billing.reports.ExportReport(request):
                    file.write(piece.content)
        except OSError as error:
            raise BossCommandError(f"{path} can't be written: {error.strerror}.") from None
        screen.err().print(f"Written to {path}.")
