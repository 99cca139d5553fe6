"""`python -m boss_demo`: import a club, play its days, show what became of it."""

import time
from pathlib import Path
from typing import Annotated

import typer
from boss_cli.clients import Clients
from boss_cli.club_import import ImportReport, import_club
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from boss_demo import figures, installation, report
from boss_demo.driver import Driver, play_days
from boss_demo.idle import read_topology
from boss_demo.places import DATA_CSV, TOPOLOGY
from boss_demo.stages import Stage, open_stage

console = Console(highlight=False)
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    csv: Annotated[Path, typer.Option(help="The club's export.", exists=True, dir_okay=False)] = DATA_CSV,
    days: Annotated[int, typer.Option(min=1, max=730, help="How many days to play, from 2026-01-01.")] = 90,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same figures.")] = 1,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    unit: Annotated[list[str] | None, typer.Option(help="A further club, as 'Name=Area/City'.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Keep emails, letters and calls here.")] = None,
    distributed: Annotated[bool, typer.Option(help="Play against `make up` instead of one embedded process.")] = False,
) -> None:
    """Import a club's export, play its billing day by day, and show what became of it."""
    clubs = [*installation.CLUBS, *map(installation.other_club, unit or ())]
    console.print("[bold]BOSS[/bold] setting up", end=" ")
    began = time.monotonic()
    with open_stage(folder, seed, distributed=distributed) as stage:
        console.print(f"took {time.monotonic() - began:.1f} s: {stage.description}")
        found = _play(stage, clubs, csv, days, seed)
    if json is not None:
        json.write_text(figures.to_json(found), encoding="utf-8")
        console.print(f"figures written to {json}")
    if not figures.is_sound(found):
        raise typer.Exit(1)


def _play(stage: Stage, clubs: list[installation.Club], csv: Path, days: int, seed: int) -> figures.Figures:
    clients = stage.clients
    topology = read_topology(TOPOLOGY)
    driver = Driver(clients, installation.ENTERPRISE, topology, seed)
    began = time.monotonic()
    driver.set_clock(installation.FIRST_DAY)
    installation.install(clients, clubs)
    driver.settle()
    installation.configure(clients, clubs)
    driver.settle()
    with Progress(
        TextColumn("{task.description:<28}"), BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as progress:
        imported = _import(clients, csv, progress)
        driver.settle()
        bar = progress.add_task("playing days", total=days)
        play_days(
            driver,
            installation.FIRST_DAY,
            days,
            lambda day: progress.update(bar, advance=1, description=f"playing {day.isoformat()}"),
        )
    seconds = time.monotonic() - began
    found = figures.collect(clients, installation.ENTERPRISE, imported, topology, seed=seed, days=days)
    report.show(console, found, driver, clients, stage.folder, seconds)
    return found


def _import(clients: Clients, csv: Path, progress: Progress) -> ImportReport:
    bars: dict[str, TaskID] = {}

    def tell(phase: str, records: int) -> None:
        if phase not in bars:
            bars[phase] = progress.add_task(f"{phase} {csv.name}", total=None)
        progress.update(bars[phase], completed=records)

    report = import_club(clients, installation.ENTERPRISE, csv, tell)
    for bar in bars.values():
        progress.update(bar, completed=report.records, total=report.records)
    return report


if __name__ == "__main__":
    app()
