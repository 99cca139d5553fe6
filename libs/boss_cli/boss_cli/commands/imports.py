"""`boss import`: a club's file into agreements and billing."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from boss_cli import screen
from boss_cli.club_file import Rejected
from boss_cli.club_import import CHECKING, IMPORTING, ImportReport, import_club
from boss_cli.session import session_of

COLUMNS = ("record", "external id", "field", "why it was refused")


def import_file(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The club's export.")]
) -> None:
    """Check a club's file with both services, then import it; what either refuses, neither takes."""
    session = session_of(context)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen.err(), transient=True) as progress:
        bars = {
            CHECKING: progress.add_task("Checking", total=None),
            IMPORTING: progress.add_task("Importing", total=None),
        }
        checked = 0

        def tell(phase: str, records: int) -> None:
            nonlocal checked
            checked = max(checked, records)
            total = checked if phase == IMPORTING else None
            progress.update(bars[phase], completed=records, total=total)

        report = import_club(session.clients, session.enterprise, file, tell)
    _show(report)


def _show(report: ImportReport) -> None:
    if report.rejected:
        rows = [_row(one) for one in report.rejected]
        screen.out().print(screen.table(COLUMNS, rows, right=("record",)))
        screen.out().print()
    screen.out().print(
        f"{report.records:,} records: {report.imported:,} imported, {report.already_there:,} were there already, "
        f"{len(report.rejected):,} refused."
    )


def _row(one: Rejected) -> tuple[object, ...]:
    # The reason names its field for those who see it without a column for that.
    return (one.record, one.external_id, one.field, one.reason.removeprefix(f"{one.field}: "))
