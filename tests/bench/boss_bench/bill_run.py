"""A bill run as an installation's `run` processes do it, against a raw COPY of the rows it writes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import psycopg

from boss_bench._bill_run_child import start_all
from boss_bench._bill_run_load import WARM_UP_MEMBERS, connected, furnish, warm_up_clubs
from boss_bench._import_load import environ_of
from boss_bench._two_services import copy_again_s
from boss_bench.result import Result, p99_ms
from boss_stack.layout import RUNS

MEMBERS = tuple(int(text) for text in os.environ.get("BOSS_BENCH_MEMBERS", "10000,100000").split(","))
PROCESSES = RUNS["billing"]
"""As many as `make up` starts: any `run` process takes a run's tasks (DESIGN 2)."""
STEADY_MEMBERS = 50_000
REPEATS = 3
ROWS_OF_A_RUN = ("invoice", "invoice_line", "transfer", "payment", "attempt", "batch", "outbox", "sandbox_attempt")


def run() -> Iterator[Result]:
    """Give how many members a second are billed: due charges to batches submitted and events in the outbox.

    A small run takes a second, in which a busy host changes it by a third: it is the middle one of some.
    """
    for members in MEMBERS:
        repeats = 1 if members >= STEADY_MEMBERS else REPEATS
        by_ratio = sorted((_bill(members) for _ in range(repeats)), key=lambda one: one.ratio)
        yield by_ratio[repeats // 2]


def _bill(members: int) -> Result:
    with ExitStack() as stack:
        clubs = warm_up_clubs(PROCESSES)
        place = furnish(stack, members, warm_ups=clubs)
        environ = environ_of("billing", place.urls["billing"], place.keys, place.addresses)
        children = [_at_work(stack, environ, club) for club in clubs]
        engine = connected(stack, place.urls["billing"])
        began = time.perf_counter()
        start_all(engine)
        for child in children:
            _let_go(child)
        reports = [json.loads(_read(child)) for child in children]
        seconds = time.perf_counter() - began
        billed = members + len(clubs) * WARM_UP_MEMBERS
        _check(place.urls["billing"], billed)
        limit_per_s = billed / copy_again_s(place.urls["billing"], ROWS_OF_A_RUN)
    per_s = members / seconds
    tasks_s = [task_s for report in reports for task_s in report["tasks_s"]]
    peak_rss_mb = max(report["peak_rss_mb"] for report in reports)
    return Result("bill_run", members, per_s, limit_per_s, per_s / limit_per_s, p99_ms(tasks_s), peak_rss_mb)


def _at_work(stack: ExitStack, environ: Mapping[str, str], club: str) -> "subprocess.Popen[str]":
    """Start a process that bills a club first, while nobody else is there; give it when that is done."""
    command = [sys.executable, "-W", "ignore", "-m", "boss_bench._bill_run_child", club]
    child = stack.enter_context(
        subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    )
    _read(child)
    return child


def _read(child: "subprocess.Popen[str]") -> str:
    """Wait for a child's next line. Raises EOFError when it ended instead."""
    assert child.stdout is not None, "children are started with a pipe"
    line = child.stdout.readline()
    if not line:
        raise EOFError(f"process {child.pid} of the bill run ended early; its error is above")
    return line


def _let_go(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None, "children are started with a pipe"
    child.stdin.write("go\n")
    child.stdin.flush()


def _check(url: str, members: int) -> None:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'pending'), "
            "(SELECT count(*) FROM batch WHERE state = 'submitted') FROM payment"
        ).fetchone()
        open_runs, error = connection.execute(
            "SELECT count(*) FILTER (WHERE state <> 'submitted'), (SELECT min(error) FROM task WHERE error <> '') "
            "FROM bill_run"
        ).fetchone() or (None, None)
    if open_runs != 0 or error is not None:
        raise AssertionError(f"{open_runs} runs aren't submitted; the first error of their tasks is {error}")
    if row is None or row[:2] != (members, members) or row[2] < members / 1000:
        raise AssertionError(f"of {members} members these were billed: {row}")
