"""`boss run`: bill runs."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated

import typer
from boss.billing.v1 import bill_run_service_pb2 as pb
from google.type import money_pb2
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from boss_cli import screen
from boss_cli.days import day_option
from boss_cli.failures import BossCommandError
from boss_cli.session import Session, request_id, session_of
from boss_cli.timeline import all_pages, first_of

app = typer.Typer(
    no_args_is_help=True, help="Bill runs: preview, draft, approve, start, watch, cancel, resume and list."
)
STATES = {
    pb.BillRun.STATE_DRAFT: "draft",
    pb.BillRun.STATE_APPROVED: "approved",
    pb.BillRun.STATE_CANCELLED: "cancelled",
    pb.BillRun.STATE_BILLING: "billing",
    pb.BillRun.STATE_SUBMITTING: "submitting",
    pb.BillRun.STATE_SUBMITTED: "submitted",
}
Run = pb.BillRun
Unit = Annotated[str, typer.Option(help="Only this business unit, by its external id.")]
Division = Annotated[str, typer.Option(help="Only the units of this division, by its name.")]
COLUMNS = (
    "bill date", "of", "state", "invoices", "invoiced", "payments", "submitted", "skipped", "batches sent", "run",
)  # fmt: skip
NUMBERS = ("invoices", "invoiced", "payments", "submitted", "skipped", "batches sent")
PAGE_SIZE_MAX = 1000


@app.command()
def start(
    context: typer.Context,
    bill_date: Annotated[date, day_option("The bill date.", "--date")],
    unit: Unit = "",
    division: Division = "",
    *,
    wait: Annotated[bool, typer.Option("--watch", help="Stay until it is done.")] = False,
) -> None:
    """Start a bill run; the same date again goes on with the same run and bills nothing twice."""
    session = session_of(context)
    request = pb.StartBillRunRequest(
        parent=session.scope(unit, division), bill_date=screen.to_date(bill_date), request_id=request_id()
    )
    run = session.clients.billing.bill_runs.StartBillRun(request)
    show(follow(session, run.name) if wait else run)


@app.command()
def watch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The run's name as `start` showed it, or its id as `list` does.")],
) -> None:
    """Follow a bill run until it is done."""
    session = session_of(context)
    show(follow(session, full_name(session, name)))


@app.command("list")
def list_runs(
    context: typer.Context, limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 30
) -> None:
    """List bill runs, the newest bill date first."""
    session = session_of(context)
    request = pb.ListBillRunsRequest(parent=session.enterprise, page_size=min(limit + 1, PAGE_SIZE_MAX))
    found, is_cut = first_of(all_pages(session.clients.billing.bill_runs.ListBillRuns, request, "bill_runs"), limit)
    if not found:
        screen.out().print("There is no bill run.")
        return
    units = session.unit_names() if any("/businessUnits/" in run.scope for run in found) else {}
    table = screen.table(COLUMNS, (_row(run, units) for run in found), right=NUMBERS)
    screen.out().print(table)
    if is_cut:
        screen.more(limit, "bill runs")


def _row(run: Run, units: Mapping[str, str]) -> tuple[object, ...]:
    of = units.get(run.scope, run.scope.split("/", 2)[2]) if run.scope.count("/") > 1 else "the enterprise"
    return (
        screen.day(run.bill_date),
        of,
        STATES.get(run.state, ""),
        f"{run.invoices:,}",
        _short(run.amounts_invoiced),
        f"{run.payments:,}",
        _short(run.amounts_submitted),
        f"{run.skipped:,}",
        f"{run.batches_submitted} of {run.batches}",
        run.name.rpartition("/")[2],
    )


def full_name(session: Session, name: str) -> str:
    """Give a run's name by its name or its id."""
    return name if "/" in name else f"{session.enterprise}/billRuns/{name}"


def follow(session: Session, name: str) -> Run:
    """Show a run's progress until it is done; give it as it is then."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    last: Run | None = None
    with Progress(*columns, console=screen.err(), transient=True) as progress:
        shards = progress.add_task("Shards billed", total=None)
        batches = progress.add_task("Batches submitted", total=None)
        for last in session.clients.billing.bill_runs.WatchBillRun(pb.WatchBillRunRequest(name=name)):
            told = f"Shards billed, {last.invoices:,} invoices at {last.invoices_per_second:,.0f}/s"
            progress.update(shards, description=told, completed=last.shards_done, total=last.shards or None)
            progress.update(batches, completed=last.batches_submitted, total=last.batches or None)
    if last is None:
        raise BossCommandError(f"billing said nothing about {name}; look again with `boss run watch`.")
    return last


def show(run: Run) -> None:
    """Show a run."""
    rows = (
        ("run", run.name),
        ("bill date", screen.day(run.bill_date)),
        ("state", STATES.get(run.state, "")),
        ("approved by", run.approved_by or "nobody yet"),
        ("invoices", f"{run.invoices:,}, {_sums(run.amounts_invoiced)}"),
        ("invoices a second", f"{run.invoices_per_second:,.0f}"),
        ("payments", f"{run.payments:,}, {_sums(run.amounts_submitted)}"),
        ("skipped", f"{run.skipped:,}"),
        ("batches submitted", f"{run.batches_submitted} of {run.batches}"),
    )
    screen.out().print(screen.table(("", ""), rows))


def _sums(amounts: Iterable[money_pb2.Money]) -> str:
    return " + ".join(map(screen.money, amounts))


def _short(amounts: Iterable[money_pb2.Money]) -> str:
    return " + ".join(screen.money(one) for one in amounts if one.units or one.nanos) or "-"
