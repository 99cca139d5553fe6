"""`python -m boss_demo`: import a club, play its days, show what became of it."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from boss_demo import figures, installation, report
from boss_demo.places import DATA_CSV
from boss_demo.play import play
from boss_demo.stages import open_stage

console = Console(highlight=False)
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


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
    if not distributed:
        console.print("[bold]BOSS[/bold] is setting itself up …")
    began = time.monotonic()
    with open_stage(folder, seed, distributed=distributed) as stage:
        took = "" if distributed else f" after {time.monotonic() - began:.1f} s"
        console.print(f"ready{took}: {stage.description}")
        played = play(stage.clients, clubs, csv, days, seed, console)
        report.show(console, played, stage.clients, stage.folder)
    if json is not None:
        json.write_text(figures.to_json(played.figures), encoding="utf-8")
        console.print(f"figures written to {json}")
    if not figures.is_sound(played.figures):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
