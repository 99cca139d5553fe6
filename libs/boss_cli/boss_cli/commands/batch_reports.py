"""`boss reports batches|reconciliation|transactions`: batches, beside their deposits, and in detail (SPEC BIL-9)."""

from datetime import date
from typing import Annotated, Any

import typer
from boss.billing.v1 import report_service_pb2 as pb
from rich.table import Table

from boss_cli import screen
from boss_cli.days import day_option
from boss_cli.failures import BossCommandError
from boss_cli.reporting import (
    INDENT,
    PAGE_SIZE,
    Csv,
    Tender,
    Unit,
    Xlsx,
    added,
    amount,
    asked,
    export,
    mark,
    of_days,
    pages,
)
from boss_cli.reporting import show as show_report
from boss_cli.session import session_of

First = Annotated[date | None, day_option("First bill date.", "--from")]
Last = Annotated[date | None, day_option("Last bill date.", "--to")]
Number = Annotated[int | None, typer.Option("--batch", min=1, help="Only the batch with this number, of any day.")]

BATCH_COLUMNS = (
    "batch", "bill date", "label", "tender", "count", "submitted", "approved", "declined", "no result", "errors", "",
)  # fmt: skip
RECONCILIATION_COLUMNS = (
    "batch", "bill date", "submitted", "approved", "declined", "no result", "by retry", "expected", "deposited",
    "awaited", "difference", "",
)  # fmt: skip
TRANSACTION_COLUMNS = ("label", "tender", "account", "invoice", "amount", "result", "code", "message")
NOTHING = "There is no batch of these days."
DEPOSITED, DIFFERENCE = RECONCILIATION_COLUMNS.index("deposited"), RECONCILIATION_COLUMNS.index("difference")


def batches(
    context: typer.Context,
    first: First = None,
    last: Last = None,
    batch: Number = None,
    unit: Unit = "",
    tender: Tender = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
    *,
    summary: Annotated[bool, typer.Option("--summary", help="Only what each batch came to.")] = False,
) -> None:
    """Show batches by number, Original then Retry, by tender: submitted = approved + declined + no result."""
    _check(first, last, batch)
    session, of = session_of(context), asked(context, first, last, unit, tender, batch)
    request = pb.GetPaymentBatchesReportRequest(detail=not summary, page_size=PAGE_SIZE, **of)
    table = screen.table(BATCH_COLUMNS, (), right=BATCH_COLUMNS[4:-1])
    page = pb.PaymentBatchesReport()
    above = ""
    for page in pages(session.clients.billing.reports.GetPaymentBatchesReport, request):
        for one in page.batches:
            above = _unit_row(table, one, above)
            _batch_rows(table, one, summary=summary)
    for total in page.totals:
        cells = ("", "", "", *_sums(total, total.not_final), total.submitted.amount.currency_code)
        table.add_row(_count(total.batches), *cells, style="bold")
    _show(table, "Billing Payment Batches", (first, last, batch), provisional=page.provisional)
    export(session, pb.ExportReportRequest(report=pb.REPORT_KIND_BATCHES, **of), csv, xlsx)


def reconciliation(
    context: typer.Context,
    first: First = None,
    last: Last = None,
    batch: Number = None,
    unit: Unit = "",
    tender: Tender = None,
    csv: Csv = None,
    xlsx: Xlsx = None,
    *,
    only_differences: Annotated[bool, typer.Option("--only-differences", help="Only batches that differ.")] = False,
) -> None:
    """Show batches beside their deposits, and every difference with the transactions that explain it.

    submitted = approved + declined + no result; expected = approved + by retry;
    difference = deposited + awaited - expected.
    """
    _check(first, last, batch)
    session, of = session_of(context), asked(context, first, last, unit, tender, batch)
    request = pb.GetReconciliationReportRequest(only_differences=only_differences, page_size=PAGE_SIZE, **of)
    table = screen.table(RECONCILIATION_COLUMNS, (), right=RECONCILIATION_COLUMNS[2:-1])
    page = pb.ReconciliationReport()
    above = ""
    for page in pages(session.clients.billing.reports.GetReconciliationReport, request):
        for one in page.batches:
            above = _unit_row(table, one, above)
            _reconciled_rows(table, one)
    for total in page.totals:
        _total_row(table, total)
    _show(table, "Billing Reconciliation", (first, last, batch), provisional=page.provisional)
    wanted = pb.ExportReportRequest(report=pb.REPORT_KIND_RECONCILIATION, only_differences=only_differences, **of)
    export(session, wanted, csv, xlsx)


def transactions(
    context: typer.Context,
    batch: Annotated[int, typer.Option("--batch", min=1, help="The batch's number.")],
    label: Annotated[str, typer.Option(help="Only Original, or only Retry.")] = "",
    tender: Annotated[str, typer.Option(help="Only this tender.")] = "",
    unit: Unit = "",
) -> None:
    """Show the transactions of a batch, each with what the processor said of it."""
    session = session_of(context)
    request = pb.ListBatchTransactionsRequest(
        parent=session.scope(unit),
        batch_number=batch,
        label=label.capitalize(),
        tender=tender.upper(),
        page_size=PAGE_SIZE,
    )
    table = screen.table(TRANSACTION_COLUMNS, (), right=("amount",))
    for page in pages(session.clients.billing.reports.ListBatchTransactions, request):
        for one in page.transactions:
            result = pb.ReportedResult.Name(one.result).removeprefix("REPORTED_RESULT_").lower().replace("_", " ")
            said = "no message: a processing error" if one.processing_error else one.response_message
            cells = (one.label, one.tender, one.account_number, one.invoice_number, screen.money(one.amount), result)
            table.add_row(*(screen.clean(cell) for cell in (*cells, one.response_code, said)))
    show_report(table, "Transactions", f"batch {batch}", nothing="It has no such transaction.")


def _check(first: date | None, last: date | None, batch: int | None) -> None:
    if not batch and (first is None or last is None):
        raise BossCommandError("Say which batches: --from DAY and --to DAY, or --batch NUMBER.")


def _show(table: Table, title: str, of: tuple[date | None, date | None, int | None], *, provisional: bool) -> None:
    nothing = f"There is no batch {of[2]} there, and no deposit for one." if of[2] else NOTHING
    show_report(table, title, of_days(*of), provisional=provisional, nothing=nothing)


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
        sums = _sums(part, part.unanswered)
        table.add_row(number, day, label, part.tender, *sums, "", style="" if part.tender else "italic")
        number = day = ""
    label = "" if summary else "final"
    table.add_row(number, day, label, "", *_sums(batch, batch.not_final), mark(batch), style="bold")


def _sums(of: Any, waiting: Any) -> tuple[str, ...]:
    return (
        f"{of.submitted.count:,}",
        amount(of.submitted.amount),
        amount(of.approved.amount),
        amount(of.declined.amount),
        added(of.submitted.amount.currency_code, of.not_attempted.amount, waiting.amount),
        f"{of.processing_errors:,}" if of.processing_errors else "",
    )


def _reconciled_rows(table: Table, batch: Any) -> None:
    original, retry, currency = batch.original, batch.retry, batch.deposited.currency_code
    without_result = (original.not_attempted.amount, original.unanswered.amount)
    cells = [amount(one.amount) for one in (original.submitted, original.approved, original.declined)]
    cells += [added(currency, *without_result) if batch.business_unit else "", amount(retry.approved.amount)]
    cells += [amount(one) for one in (batch.approved, batch.deposited, batch.awaited)]
    cells.append(added(currency, *(one.amount for one in batch.differences)))
    text = mark(batch) or ("in order" if not batch.differences else "")
    style = "bold" if batch.differences else ""
    table.add_row(str(batch.number), screen.day(batch.bill_date), *cells, text, style=style)
    for deposit in batch.deposits:
        told = (screen.day(deposit.deposit_date), deposit.tender, deposit.label)
        statement = f", statement {deposit.statement}" if deposit.statement else ""
        text = " ".join(part for part in told if part) + statement
        _below(table, DEPOSITED, amount(deposit.gross), text, "dim")
    for one in batch.differences:
        _below(table, DIFFERENCE, amount(one.amount), f"{one.tender} {one.text}".strip(), "red")
        for each in one.transactions:
            text = f"{INDENT}{each.account_number} {each.label} {amount(each.amount)} {each.response_message}"
            _below(table, DIFFERENCE, "", text, "dim")
        hidden = one.transaction_count - len(one.transactions)
        if hidden > 0:
            _below(table, DIFFERENCE, "", f"{INDENT}and {hidden:,} more transactions", "dim")


def _below(table: Table, place: int, cell: str, text: str, style: str) -> None:
    """Add a row below a batch, with an amount in one column and words in the last."""
    rest = len(RECONCILIATION_COLUMNS) - place - 2
    table.add_row(*[""] * place, cell, *[""] * rest, screen.clean(text), style=style)


def _total_row(table: Table, total: pb.ReconciliationTotal) -> None:
    cells = [
        amount(one)
        for one in (
            total.submitted, total.original_approved, total.original_declined, total.original_without_result,
            total.retry_approved,
        )
    ]  # fmt: skip
    cells.append(added(total.deposited.currency_code, total.original_approved, total.retry_approved))
    cells += [amount(one) for one in (total.deposited, total.awaited, total.differing)]
    differences = "1 difference" if total.differences == 1 else f"{total.differences:,} differences"
    text = f"{differences}, {total.submitted.currency_code}"
    table.add_row(_count(total.batches), "", *cells, text, style="bold")


def _count(batches: int) -> str:
    return "1 batch" if batches == 1 else f"{batches:,} batches"
