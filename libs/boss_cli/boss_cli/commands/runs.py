"""`boss run`: bill runs."""

from datetime import datetime
from typing import Annotated

import typer
from boss.billing.v1 import bill_run_service_pb2 as pb
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from boss_cli import screen
from boss_cli.failures import BossCommandError
from boss_cli.session import Session, request_id, session_of

app = typer.Typer(no_args_is_help=True, help="Bill runs: start one, watch one.")
STATES = {
    pb.BillRun.STATE_BILLING: "billing",
    pb.BillRun.STATE_SUBMITTING: "submitting",
    pb.BillRun.STATE_SUBMITTED: "submitted",
}
Run = pb.BillRun


@app.command()
def start(
    context: typer.Context,
    date: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The bill date.")],
    unit: Annotated[str, typer.Option(help="Only this business unit, by its external id.")] = "",
    *,
    wait: Annotated[bool, typer.Option("--watch", help="Stay until it is done.")] = False,
) -> None:
    """Start a bill run; the same date again goes on with the same run and bills nothing twice."""
    session = session_of(context)
    request = pb.StartBillRunRequest(
        parent=session.scope(unit), bill_date=screen.to_date(date), request_id=request_id()
    )
    run = session.clients.billing.bill_runs.StartBillRun(request)
    _show(_watch(session, run.name) if wait else run)


@app.command()
def watch(
    context: typer.Context, name: Annotated[str, typer.Argument(help="The run's name, as `start` showed it.")]
) -> None:
    """Follow a bill run until it is done."""
    _show(_watch(session_of(context), name))


def _watch(session: Session, name: str) -> Run:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    last: Run | None = None
    with Progress(*columns, console=screen.err(), transient=True) as progress:
        shards = progress.add_task("Shards billed", total=None)
        batches = progress.add_task("Batches submitted", total=None)
        for last in session.clients.billing.bill_runs.WatchBillRun(pb.WatchBillRunRequest(name=name)):
            progress.update(shards, completed=last.shards_done, total=last.shards or None)
            progress.update(batches, completed=last.batches_submitted, total=last.batches or None)
    if last is None:
        raise BossCommandError(f"billing said nothing about {name}; look again with `boss run watch`.")
    return last


def _show(run: Run) -> None:
    rows = (
        ("run", run.name),
        ("bill date", screen.day(run.bill_date)),
        ("state", STATES.get(run.state, "")),
        ("invoices", f"{run.invoices:,}, {screen.money(run.amount_invoiced)}"),
        ("payments", f"{run.payments:,}, {screen.money(run.amount_submitted)}"),
        ("skipped", f"{run.skipped:,}"),
        ("batches submitted", f"{run.batches_submitted} of {run.batches}"),
    )
    screen.out().print(screen.table(("", ""), rows))
