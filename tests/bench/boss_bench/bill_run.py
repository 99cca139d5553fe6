"""A bill run as a `run` process does it, for 10,000 and 100,000 members, against a raw COPY of the rows it writes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import psycopg

from boss_bench._bill_run_load import furnish
from boss_bench._import_load import ENTERPRISE_ID, environ_of
from boss_bench._two_services import copy_again_s
from boss_bench.result import Result, p99_ms

MEMBERS = tuple(int(text) for text in os.environ.get("BOSS_BENCH_MEMBERS", "10000,100000").split(","))
ROWS_OF_A_RUN = ("invoice", "invoice_line", "transfer", "payment", "attempt", "batch", "outbox", "sandbox_attempt")


def run() -> Iterator[Result]:
    """Give how many members a second are billed: due charges to batches submitted and events in the outbox."""
    for members in MEMBERS:
        yield _bill(members)


def _bill(members: int) -> Result:
    with ExitStack() as stack:
        place = furnish(stack, members)
        child = [sys.executable, "-W", "ignore", "-m", "boss_bench._bill_run_child", str(ENTERPRISE_ID)]
        environ = environ_of("billing", place.urls["billing"], place.keys, place.addresses)
        report = json.loads(subprocess.run(child, env=environ, check=True, stdout=subprocess.PIPE).stdout)
        _check(place.urls["billing"], members)
        limit_per_s = members / copy_again_s(place.urls["billing"], ROWS_OF_A_RUN)
    per_s = members / report["seconds"]
    tasks_s: Sequence[float] = report["tasks_s"]
    return Result("bill_run", members, per_s, limit_per_s, per_s / limit_per_s, p99_ms(tasks_s), report["peak_rss_mb"])


def _check(url: str, members: int) -> None:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'pending'), "
            "(SELECT count(*) FROM batch WHERE state = 'submitted') FROM payment"
        ).fetchone()
    if row is None or row[:2] != (members, members) or row[2] < members / 1000:
        raise AssertionError(f"of {members} members these were billed: {row}")
