"""`boss run`: what a bill run would do, and the steps of its life beside starting and watching (SPEC BIL-1)."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any

import typer
from boss.billing.v1 import bill_run_service_pb2 as pb

from boss_cli import screen
from boss_cli.commands.runs import Division, Unit, app, full_name, show
from boss_cli.days import day_option
from boss_cli.session import request_id, session_of
from boss_cli.timeline import all_pages, first_of

# The commands of both files are one group.
__all__ = ("app",)

PAGE_SIZE = 500
PREVIEW_COLUMNS = ("agreement or invoice", "due", "total", "to collect", "payments", "why not, or not all")
SKIPPED_COLUMNS = ("agreement or invoice", "reason", "description")
RunName = Annotated[str, typer.Argument(help="The run's name as `start` showed it, or its id as `list` does.")]
Limit = Annotated[int, typer.Option(min=1, help="At most this many.")]


@app.command()
def preview(
    context: typer.Context,
    bill_date: Annotated[date, day_option("The bill date; it may be one to come.", "--date")],
    unit: Unit = "",
    division: Division = "",
    limit: Limit = 100,
) -> None:
    """Show what a bill run would invoice and attempt, and why not the rest; nothing is written."""
    session = session_of(context)
    request = pb.PreviewBillRunRequest(
        parent=session.scope(unit, division), bill_date=screen.to_date(bill_date), page_size=PAGE_SIZE
    )
    found = all_pages(session.clients.billing.bill_runs.PreviewBillRun, request, "agreements")
    _list(PREVIEW_COLUMNS, (row for one in found for row in _planned(one)), limit, "The run would do nothing.")


@app.command()
def skipped(context: typer.Context, name: RunName, limit: Limit = 100) -> None:
    """List what a bill run didn't bill or collect, each with the reason."""
    session = session_of(context)
    request = pb.ListSkippedChargesRequest(parent=full_name(session, name), page_size=PAGE_SIZE)
    found = all_pages(session.clients.billing.bill_runs.ListSkippedCharges, request, "skipped_charges")
    rows = ((one.agreement_number, one.reason, one.description) for one in found)
    _list(SKIPPED_COLUMNS, rows, limit, "The run skipped nothing.")


@app.command()
def draft(
    context: typer.Context,
    bill_date: Annotated[date, day_option("The bill date.", "--date")],
    unit: Unit = "",
    division: Division = "",
) -> None:
    """Draft a bill run, which waits until somebody approves it and somebody starts it."""
    session = session_of(context)
    day = screen.to_date(bill_date)
    request = pb.CreateBillRunRequest(parent=session.scope(unit, division), bill_date=day, request_id=request_id())
    show(session.clients.billing.bill_runs.CreateBillRun(request))


@app.command()
def approve(context: typer.Context, name: RunName) -> None:
    """Let a draft go; `start` then starts it."""
    _change(context, name, "ApproveBillRun", pb.ApproveBillRunRequest)


@app.command()
def cancel(context: typer.Context, name: RunName) -> None:
    """Stop a bill run: what is billed stays, payments nobody has sent are taken back."""
    _change(context, name, "CancelBillRun", pb.CancelBillRunRequest)


@app.command()
def resume(context: typer.Context, name: RunName) -> None:
    """Bill what a cancelled run left, or what has become due since; nothing twice."""
    _change(context, name, "ResumeBillRun", pb.ResumeBillRunRequest)


def _change(context: typer.Context, name: str, method: str, request: Callable[..., Any]) -> None:
    session = session_of(context)
    call = getattr(session.clients.billing.bill_runs, method)
    show(call(request(name=full_name(session, name), request_id=request_id())))


def _list(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]], limit: int, nothing: str) -> None:
    found, is_cut = first_of(rows, limit)
    if not found:
        screen.out().print(nothing)
        return
    screen.out().print(screen.table(columns, found, right=("total", "to collect")))
    if is_cut:
        screen.more(limit, "lines")


def _planned(one: pb.PlannedAgreement) -> Iterator[tuple[str, ...]]:
    for invoice in one.invoices:
        payments = ", ".join(f"{paid.kind} {paid.tender} {screen.money(paid.amount)}" for paid in invoice.payments)
        yield (
            one.agreement_number or invoice.invoice_number,
            screen.day(invoice.due_date),
            screen.money(invoice.total),
            screen.money(invoice.balance),
            payments,
            invoice.not_paid_description,
        )
    for skip in one.skipped:
        yield (one.agreement_number, "", "", "", "", skip.description)
