"""The demo's members and days in one process, against writing the rows it leaves behind and nothing else."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from boss_bench import _demo_child
from boss_bench.result import Result

DAYS = int(os.environ.get("BOSS_BENCH_DAYS", "90"))
TIMEOUT_S = 1200


def run() -> Iterator[Result]:
    """Give member-days per second of the whole demo, set-up not counted."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "demo.json"
        command = [sys.executable, _demo_child.__file__, str(DAYS), str(report)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S)
        found = json.loads(report.read_text())
    member_days = found["members"] * DAYS
    per_s, limit_per_s = member_days / found["seconds"], member_days / found["copy_s"]
    yield Result(
        name="demo",
        n=member_days,
        per_s=per_s,
        limit_per_s=limit_per_s,
        ratio=per_s / limit_per_s,
        p99_ms=found["p99_ms"],
        peak_rss_mb=found["rss"],
    )
