"""What the commands of `boss reports` share: what may be asked for, figures as text, and files."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from boss.billing.v1 import report_service_pb2 as pb
from rich.table import Table

from boss_cli import screen
from boss_cli.days import day_option
from boss_cli.failures import BossCommandError
from boss_cli.session import Session, session_of
from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto

INDENT = "  "
PROVISIONAL = "provisional"
NONE = "-"
PAGE_SIZE = 2000

From = Annotated[date, day_option("First bill date.", "--from")]
To = Annotated[date, day_option("Last bill date.", "--to")]
Unit = Annotated[str, typer.Option(help="Only this business unit, by its external id.")]
Tender = Annotated[list[str] | None, typer.Option("--tender", help="Only this tender; may be given again.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the report to this CSV file, too.")]
Xlsx = Annotated[Path | None, typer.Option("--xlsx", help="Write the report to this Excel workbook, too.")]


class Grouping(StrEnum):
    """What a report of payments may be grouped by, below the business unit."""

    ITEM_CATEGORY = "item-category"
    ITEM = "item"
    TENDER = "tender"
    KIND = "kind"
    DAY = "day"


GroupBy = Annotated[
    list[Grouping] | None,
    typer.Option("--group-by", help="Group by this below the unit; may be given again. [default: item-category, item]"),
]


def groupings(group_by: Sequence[Grouping] | None) -> list[Any]:
    """Give what to group by as a request has it; none is the report's own choice."""
    return [pb.ReportGrouping.Value(f"REPORT_GROUPING_{one.name}") for one in group_by or ()]


def asked(
    context: typer.Context,
    first: date | None,
    last: date | None,
    unit: str,
    tender: Sequence[str] | None,
    batch: int | None = None,
) -> dict[str, Any]:
    """Give the parent and the filter of a request."""
    which = pb.ReportFilter(
        start_date=screen.to_date(first) if first else None,
        end_date=screen.to_date(last) if last else None,
        tenders=[one.upper() for one in tender or ()],
        batch_number=batch or 0,
    )
    return {"parent": session_of(context).scope(unit), "filter": which}


def pages(method: Any, request: Any) -> Iterator[Any]:
    """Read a report page by page."""
    while True:
        page = method(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def of_days(first: date | None, last: date | None, batch: int | None = None) -> str:
    """Say what a report is of."""
    parts = [f"batch {batch}"] if batch else []
    if first or last:
        parts.append(f"bill dates {first or ''} to {last or ''}".rstrip())
    return ", ".join(parts)


def show(
    table: Table, title: str, of: str, *, provisional: bool = False, nothing: str = "Nothing was billed in these days."
) -> None:
    """Print a report, or that there is nothing in it."""
    console = screen.out()
    console.print(screen.clean(f"{title}, {of}"), style="bold")
    if not table.row_count:
        console.print(nothing)
        return
    console.print(table)
    if provisional:
        console.print("Provisional: some results or deposits may still come.", style="yellow")
    console.print()


def mark(line: Any) -> str:
    """Mark what isn't final."""
    return PROVISIONAL if line.provisional else ""


def figure(one: Any) -> str:
    """Write how many, and what they come to."""
    return f"{one.count:,} / {amount(one.amount)}" if one.count or minor(one.amount) else NONE


def amount(one: Any) -> str:
    """Write an amount without its currency, which the total names."""
    return screen.money(one).partition(" ")[0] if one.currency_code else ""


def minor(one: Any) -> int:
    """Give an amount in minor units; none is 0."""
    return money_from_proto(one).amount_minor if one.currency_code else 0


def added(currency: str, *amounts: Any) -> str:
    """Add amounts up in their currency; without one it is empty."""
    return str(Money(sum(map(minor, amounts)), currency)).partition(" ")[0] if currency else ""


def export(session: Session, request: pb.ExportReportRequest, csv: Path | None, xlsx: Path | None) -> None:
    """Write the files that were asked for."""
    for path, form in ((csv, pb.FILE_FORMAT_CSV), (xlsx, pb.FILE_FORMAT_XLSX)):
        if path is None:
            continue
        request.format = form
        try:
            with path.open("wb") as file:
                for piece in session.clients.billing.reports.ExportReport(request):
                    file.write(piece.content)
        except OSError as error:
            raise BossCommandError(f"{path} can't be written: {error.strerror}.") from None
        screen.err().print(f"Written to {path}.")
