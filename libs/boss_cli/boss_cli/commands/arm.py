"""`boss arm`: an account in accounts receivable management."""

from typing import Annotated

import typer
from boss.arm.v1 import cycle_service_pb2 as pb

from boss_cli import screen
from boss_cli.session import Session, request_id, session_of
from boss_cli.timeline import all_pages
from boss_kit.errors import FailedPrecondition

app = typer.Typer(no_args_is_help=True, help="An account in accounts receivable management.")
Number = Annotated[str, typer.Argument(help="The account's number.")]
COLUMNS = ("cycle", "type", "day", "activity", "result day", "result", "days in ARM", "past due", "contact")


@app.command()
def summary(context: typer.Context, account_number: Number) -> None:
    """Show where an account stands."""
    session = session_of(context)
    request = pb.GetArmSummaryRequest(account=session.account(account_number))
    _show(session.clients.arm.cycles.GetArmSummary(request))


@app.command()
def history(
    context: typer.Context,
    account_number: Number,
    *,
    suspensions: Annotated[bool, typer.Option("--suspensions", help="Also suspension activity.")] = False,
) -> None:
    """List what was done about an account, newest first."""
    session = session_of(context)
    request = pb.ListArmHistoryRequest(parent=session.account(account_number), include_suspension_activity=suspensions)
    rows = [_row(line) for line in all_pages(session.clients.arm.cycles.ListArmHistory, request, "arm_activities")]
    screen.out().print(screen.table(COLUMNS, rows, right=("days in ARM", "past due")))


@app.command()
def add(context: typer.Context, account_number: Number) -> None:
    """Put an account in by hand."""
    session = session_of(context)
    request = pb.AddToArmRequest(account=session.account(account_number), request_id=request_id())
    _show(session.clients.arm.cycles.AddToArm(request))


@app.command()
def remove(
    context: typer.Context,
    account_number: Number,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="The warning was read: don't ask.")] = False,
) -> None:
    """Take an account out by hand, after the service's warning."""
    session = session_of(context)
    account = session.account(account_number)
    try:
        _show(_remove(session, account, confirmed=yes))
    except FailedPrecondition as warning:
        if warning.reason != "CONFIRMATION_REQUIRED":
            raise
        typer.confirm(f"{screen.clean(warning.message)} Go on?", abort=True)
        _show(_remove(session, account, confirmed=True))


def _remove(session: Session, account: str, *, confirmed: bool) -> pb.ArmSummary:
    request = pb.RemoveFromArmRequest(account=account, confirmed=confirmed, request_id=request_id())
    answer: pb.ArmSummary = session.clients.arm.cycles.RemoveFromArm(request)
    return answer


def _show(found: pb.ArmSummary) -> None:
    rows = (
        ("status", found.status),
        ("sent date", screen.day(found.sent_date)),
        ("days in ARM", found.days_in_arm),
        ("sent balance", screen.money(found.sent_balance)),
        ("past-due balance", screen.money(found.past_due_balance)),
        ("letters sent", found.letters_sent),
        ("phone calls made", found.phone_calls_made),
        ("emails sent", found.emails_sent),
        ("invalid contacts", ", ".join(found.invalid_contacts)),
    )
    screen.out().print(screen.table(("", ""), rows))


def _row(line: pb.ArmActivity) -> tuple[object, ...]:
    return (
        line.cycle_number,
        line.type,
        screen.day(line.activity_date),
        line.activity,
        screen.day(line.result_date),
        line.result,
        line.days_in_arm,
        screen.money(line.past_due_balance),
        line.contact_info,
    )
