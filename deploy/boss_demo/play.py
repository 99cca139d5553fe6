"""One demonstration from an empty installation to its figures."""

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from boss_cli.clients import Clients
from boss_cli.club_import import ImportReport, import_club
from boss_demo import figures, installation
from boss_demo.driver import Driver, play_days
from boss_demo.idle import read_topology
from boss_demo.places import TOPOLOGY


@dataclass(frozen=True)
class Played:
    """What was played: the figures, the driver that knows who paid, and how long all of it and each day took."""

    figures: figures.Figures
    driver: Driver
    seconds: float
    day_seconds: list[float]


def play(
    clients: Clients, clubs: Sequence[installation.Club], csv: Path, days: int, seed: int, console: Console
) -> Played:
    """Set the clubs up, import the file, play the days and count; shows its progress on the console."""
    topology = read_topology(TOPOLOGY)
    driver = Driver(clients, installation.ENTERPRISE, topology, seed)
    began = time.monotonic()
    driver.set_clock(installation.FIRST_DAY)
    installation.install(clients, clubs)
    driver.settle()
    installation.configure(clients, clubs)
    driver.settle()
    with _progress(console) as progress:
        imported = _import(clients, csv, progress)
        driver.settle()
        bar = progress.add_task("playing days", total=days)
        ends = [time.monotonic()]

        def tell(day: datetime.date) -> None:
            ends.append(time.monotonic())
            progress.update(bar, advance=1, description=f"playing {day.isoformat()}")

        play_days(driver, installation.FIRST_DAY, days, tell)
    seconds = time.monotonic() - began
    found = figures.collect(clients, installation.ENTERPRISE, imported, topology, seed=seed, days=days)
    return Played(found, driver, seconds, [end - start for start, end in pairwise(ends)])


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


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
