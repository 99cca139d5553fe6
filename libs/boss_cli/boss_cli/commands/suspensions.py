"""`boss suspensions`: who is on a break, what a break would do, and the first day back (SPEC SUS)."""

from collections.abc import Iterable
from datetime import date
from itertools import islice
from typing import Annotated, Any

import typer
from boss.agreements.v1 import agreement_service_pb2, member_service_pb2, reason_service_pb2, suspension_service_pb2

from boss_cli import screen
from boss_cli.days import day_option
from boss_cli.failures import BossCommandError
from boss_cli.session import Session, request_id, session_of
from boss_cli.timeline import all_pages

COLUMNS = ("suspension", "of", "status", "from", "first day back", "agreements", "entered by")
BILL_COLUMNS = ("agreement", "day", "item", "amount", "tax")
ACTIVITY_COLUMNS = ("item", "units left", "good until", "afterwards")
PAGE_SIZE = 100

Number = Annotated[str, typer.Argument(help="The member's number.")]
Start = Annotated[date, day_option("First suspended day.", "--from")]
Back = Annotated[date | None, day_option("First day back; else open.", "--to")]
Reason = Annotated[str, typer.Option(help="A suspension reason by its name; without one billing stops.")]
Type = Annotated[str, typer.Option("--type", help="Freeze or Hold; may be left out with a reason.")]

app = typer.Typer(no_args_is_help=True, help="Freezes and holds of members.")


@app.callback()
def suspensions() -> None:
    """Freezes and holds of members."""


@app.command("list")
def list_suspensions(
    context: typer.Context,
    unit: Annotated[str, typer.Option(help="Only this business unit, by its external id.")] = "",
    member: Annotated[str, typer.Option(help="Only this member, by number.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = PAGE_SIZE,
) -> None:
    """List suspensions, active ones first."""
    session = session_of(context)
    request = agreement_service_pb2.ListSuspensionsRequest(
        parent=session.scope(unit), member=_member(session, member).name if member else "", page_size=PAGE_SIZE
    )
    found = all_pages(session.clients.agreements.suspensions.ListSuspensions, request, "suspensions")
    _show(islice(found, limit))


@app.command()
def preview(
    context: typer.Context, number: Number, start: Start, back: Back = None, reason: Reason = "", kind: Type = ""
) -> None:
    """Show what a suspension of a member would do; nothing is changed."""
    session = session_of(context)
    parent, asked = _asked(session, number, start, back, reason, kind)
    shown = session.clients.agreements.suspensions.PreviewSuspension(
        suspension_service_pb2.PreviewSuspensionRequest(parent=parent, suspension=asked)
    )
    for effect in shown.effects:
        screen.out().print(screen.clean(effect))
    bills = [
        (one.agreement.number, screen.day(bill.due_date), bill.item, screen.money(bill.amount), screen.money(bill.tax))
        for one in shown.agreements
        for bill in one.bills
    ]
    screen.out().print(screen.table(BILL_COLUMNS, bills, right=("amount", "tax")) if bills else "Nothing is billed.")
    moved = [
        (
            one.item,
            one.remaining_units or "unlimited",
            screen.day(one.expiry_date),
            screen.day(one.new_expiry_date) if one.HasField("new_expiry_date") else "",
        )
        for one in shown.activities
    ]
    if moved:
        screen.out().print(screen.table(ACTIVITY_COLUMNS, moved, right=("units left",)))


@app.command()
def start(
    context: typer.Context,
    number: Number,
    first: Start,
    back: Back = None,
    reason: Reason = "",
    kind: Type = "",
    comments: Annotated[str, typer.Option(help="Anything else.")] = "",
) -> None:
    """Suspend a member: all agreements, activities and the account."""
    session = session_of(context)
    parent, asked = _asked(session, number, first, back, reason, kind)
    asked.comments = comments
    made = session.clients.agreements.suspensions.CreateSuspension(
        agreement_service_pb2.CreateSuspensionRequest(parent=parent, suspension=asked, request_id=request_id())
    )
    _show([made])


@app.command()
def end(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The suspension, by its resource name.")],
    back: Annotated[date, day_option("First day back; today ends it now.", "--on")],
) -> None:
    """Set the first day back."""
    session = session_of(context)
    made = session.clients.agreements.suspensions.EndSuspension(
        agreement_service_pb2.EndSuspensionRequest(name=name, end_date=screen.to_date(back), request_id=request_id())
    )
    _show([made])


def _show(found: Iterable[Any]) -> None:
    rows = [
        (
            one.name,
            one.applied_to,
            one.status,
            screen.day(one.start_date),
            screen.day(one.end_date) if one.HasField("end_date") else "open",
            ", ".join(covered.number for covered in one.covered),
            one.entered_by,
        )
        for one in found
    ]
    screen.out().print(screen.table(COLUMNS, rows) if rows else "Nobody is or was suspended.")


def _asked(session: Session, number: str, start: date, back: date | None, reason: str, kind: str) -> tuple[str, Any]:
    """Write a suspension of a member; give it with its business unit."""
    member = _member(session, number)
    parent = member.name.split("/members/")[0]
    return parent, agreement_service_pb2.Suspension(
        applied_to="Member",
        member=member.name,
        type=kind,
        start_date=screen.to_date(start),
        end_date=screen.to_date(back) if back else None,
        suspension_reason=_reason(session, parent, reason) if reason else "",
    )


def _member(session: Session, number: str) -> Any:
    request = member_service_pb2.ListMembersRequest(parent=session.enterprise, external_id=number, page_size=1)
    found = list(session.clients.agreements.members.ListMembers(request).members)
    if not found:
        raise BossCommandError(f"There is no member {number!r} in this enterprise.")
    return found[0]


def _reason(session: Session, parent: str, name: str) -> str:
    request = reason_service_pb2.ListSuspensionReasonsRequest(parent=parent, page_size=PAGE_SIZE)
    found = list(all_pages(session.clients.agreements.reasons.ListSuspensionReasons, request, "suspension_reasons"))
    named = [str(one.name) for one in found if one.display_name == name]
    if not named:
        there = ", ".join(one.display_name for one in found) or "none"
        raise BossCommandError(f"There is no suspension reason {name!r}; there are: {there}.")
    return named[0]
