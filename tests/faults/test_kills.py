"""kill -9 of any process at any moment loses nothing and does nothing twice: the figures at the end are the same."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from boss_demo.places import DATA_CSV
from boss_kit.nodes.process import open_directory
from tests.faults.killer import SERVERS, Killer, victims

# `make faults` sets this; `make test` plays a tenth.
ALL = os.environ.get("BOSS_FAULTS") == "all"
MEMBERS, DAYS = (400, 60) if ALL else (120, 30)
KILLS = 60 if ALL else 6
SEEDS = (7, 8, 9) if ALL else (7,)
RUN_S_MAX = 1500 if ALL else 400


@pytest.fixture(scope="module")
def few_members(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cut the club's export down to its first members."""
    path = tmp_path_factory.mktemp("club") / "few.csv"
    with DATA_CSV.open(newline="", encoding="utf-8") as source, path.open("w", newline="", encoding="utf-8") as target:
        rows = csv.reader(source)
        writer = csv.writer(target)
        for _, row in zip(range(MEMBERS + 1), rows, strict=False):
            writer.writerow(row)
    return path


def play(module: Sequence[str], few_members: Path, seed: int, figures: Path, folder: Path) -> None:
    """Run the demo in a process of its own and let it write its figures."""
    arguments = ["--csv", str(few_members), "--days", str(DAYS), "--seed", str(seed), "--json", str(figures)]
    command = [sys.executable, "-m", *module, *arguments, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S_MAX, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.parametrize("seed", SEEDS)
def test_all_4_killed_processes_lose_nothing_and_do_nothing_twice(seed: int, few_members: Path, tmp_path: Path) -> None:
    undisturbed, disturbed = tmp_path / "embedded.json", tmp_path / "distributed.json"
    play(["boss_demo"], few_members, seed, undisturbed, open_directory("boss-faults-embedded-"))
    folder = open_directory("boss-faults-")
    with Killer(folder, seed, KILLS) as killer:
        play(["boss_stack", "demo"], few_members, seed, disturbed, folder)
    assert killer.killed, "nothing was killed: the run proves nothing"
    assert disturbed.read_bytes() == undisturbed.read_bytes(), f"killed {killer.killed}"
    _sound(json.loads(disturbed.read_text()))


def test_the_killer_can_reach_every_kind_of_process() -> None:
    kinds = {name.split("-")[-1] if name.split("-")[-1] in ("serve", "run") else name for name in victims()}
    assert {"serve", "run", *SERVERS} <= kinds
    assert any("-work-" in name for name in victims())


def _sound(figures: dict[str, Any]) -> None:
    assert figures["ledger_balanced"] is True
    assert figures["charges_billed_twice"] == 0
    assert figures["notifications_sent_twice"] == 0
    assert figures["accounts_with_two_open_cycles"] == 0
    assert figures["events_unprocessed"] == 0
