"""Plays the embedded demo in a process of its own; writes seconds, peak memory and the raw copy's time as JSON."""

import json
import sys
import time
from pathlib import Path

import psycopg
from rich.console import Console

from boss_allinone.installation import AllInOne
from boss_bench.result import p99_ms, peak_rss_mb
from boss_demo import installation
from boss_demo.places import DATA_CSV
from boss_demo.play import play
from boss_kit.nodes.process import open_directory
from boss_stack.layout import SERVICES


def main(days: int, report: Path) -> None:
    """Play and measure."""
    with AllInOne(open_directory("boss-bench-demo-"), seed=1) as everything:
        console = Console(file=sys.stderr)
        played = play(everything.clients, installation.CLUBS, DATA_CSV, days, 1, console)
        rows, copy_s = 0, 0.0
        for service in SERVICES:
            one_rows, one_s = copy_all_tables(everything.database_url(service))
            rows, copy_s = rows + one_rows, copy_s + one_s
    found = {
        "seconds": played.seconds,
        "p99_ms": p99_ms(played.day_seconds),
        "members": played.figures["imported"],
        "rows": rows,
        "copy_s": copy_s,
        "rss": peak_rss_mb(),
    }
    report.write_text(json.dumps(found))


def copy_all_tables(url: str) -> tuple[int, float]:
    """Write every row of a database once more, by the fastest way there is; give rows and seconds."""
    rows = 0
    began = time.perf_counter()
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            rows += connection.execute(f'CREATE TABLE "raw_{name}" AS TABLE "{name}"').rowcount
    return rows, time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
