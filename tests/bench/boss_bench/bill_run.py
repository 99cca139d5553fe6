"""A bill run as an installation's `run` processes do it, against a raw COPY of the rows it writes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import psycopg

from boss_bench._bill_run_child import start
from boss_bench._bill_run_load import furnish
from boss_bench._import_load import ENTERPRISE_ID, environ_of
from boss_bench._two_services import copy_again_s
from boss_bench.result import Result, p99_ms
from boss_stack.layout import RUNS

MEMBERS = tuple(int(text) for text in os.environ.get("BOSS_BENCH_MEMBERS", "10000,100000").split(","))
PROCESSES = RUNS["billing"]
"""As many as `make up` starts: any `run` process takes a run's tasks (DESIGN 2)."""
ROWS_OF_A_RUN = ("invoice", "invoice_line", "transfer", "payment", "attempt", "batch", "outbox", "sandbox_attempt")


def run() -> Iterator[Result]:
    """Give how many members a second are billed: due charges to batches submitted and events in the outbox."""
    for members in MEMBERS:
        yield _bill(members)


def _bill(members: int) -> Result:
    with ExitStack() as stack:
        place = furnish(stack, members)
        environ = environ_of("billing", place.urls["billing"], place.keys, place.addresses)
        children = [stack.enter_context(_child(environ)) for _ in range(PROCESSES)]
        for child in children:
            _read(child)
        began = time.perf_counter()
        start(place.urls["billing"], ENTERPRISE_ID)
        for child in children:
            _let_go(child)
        reports = [json.loads(_read(child)) for child in children]
        seconds = time.perf_counter() - began
        _check(place.urls["billing"], members)
        limit_per_s = members / copy_again_s(place.urls["billing"], ROWS_OF_A_RUN)
    per_s = members / seconds
    tasks_s = [task_s for report in reports for task_s in report["tasks_s"]]
    peak_rss_mb = max(report["peak_rss_mb"] for report in reports)
    return Result("bill_run", members, per_s, limit_per_s, per_s / limit_per_s, p99_ms(tasks_s), peak_rss_mb)


def _child(environ: Mapping[str, str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "-m", "boss_bench._bill_run_child"]
    return subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


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
        run = connection.execute(
            "SELECT state, (SELECT min(error) FROM task WHERE error <> '') FROM bill_run"
        ).fetchone()
    if run != ("submitted", None):
        raise AssertionError(f"the run's state and the first error of its tasks are {run}")
    if row is None or row[:2] != (members, members) or row[2] < members / 1000:
        raise AssertionError(f"of {members} members these were billed: {row}")
