"""A bill run until every consumer of every service has processed every event of it, in processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import psycopg

from boss_bench._bill_run_child import start_all
from boss_bench._bill_run_load import Furnished, connected, furnish
from boss_bench._import_load import SERVER_STOP_S, environ_of, free_address
from boss_bench._two_services import copy_again_s, peak_rss_mb_of
from boss_bench.bill_run import ROWS_OF_A_RUN
from boss_bench.result import Result
from boss_kit.events.topology import load_topology
from boss_stack.layout import RUNS

MEMBERS = tuple(int(text) for text in os.environ.get("BOSS_BENCH_MEMBERS", "10000,100000").split(","))
OTHERS = ("arm", "collections")
POLL_S = 0.1
RUN_S_MAX = 1800

Lines = Mapping[str, "psycopg.Connection[Any]"]


def run() -> Iterator[Result]:
    """Give how many members a second are billed and known by everybody."""
    for members in MEMBERS:
        yield _settle(members)


def _settle(members: int) -> Result:
    with ExitStack() as stack:
        place = furnish(stack, members, OTHERS)
        consumers = sorted(load_topology().subscribers("billing"))
        lines = {name: _line(stack, place.urls[name]) for name in ("billing", *consumers)}
        workers = [_process(stack, place, service, "work") for service in consumers]
        runs = [_process(stack, place, "billing", "run") for _ in range(RUNS["billing"])]
        processes = (*runs, *workers)
        _wait(lambda: _is_at_work(lines), processes)
        engine = connected(stack, place.urls["billing"])
        began = time.perf_counter()
        start_all(engine)
        _wait(lambda: _is_settled(lines), processes)
        per_s = members / (time.perf_counter() - began)
        limit_per_s = members / copy_again_s(
            place.urls["billing"], [name for name in ROWS_OF_A_RUN if name != "outbox"]
        )
        peak_rss_mb = max(peak_rss_mb_of(one.pid) for one in runs)
    return Result("bill_run_settled", members, per_s, limit_per_s, per_s / limit_per_s, 0.0, peak_rss_mb)


def _process(stack: ExitStack, place: Furnished, service: str, kind: str) -> "subprocess.Popen[bytes]":
    environ = environ_of(service, place.urls[service], place.keys, place.addresses)
    environ["BOSS_LOCAL_BUS_URLS"] = " ".join(f"{name}={url}" for name, url in place.urls.items())
    environ["BOSS_CONSUMERS"] = ",".join(place.urls)
    environ["BOSS_NOTIFICATIONS_ADDRESS"] = free_address()
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", f"boss_{service}", kind], env=environ)

    def end() -> None:
        process.terminate()
        process.wait(SERVER_STOP_S)

    stack.callback(end)
    return process


def _wait(is_true: Callable[[], bool], processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    began = time.perf_counter()
    while not is_true():
        if time.perf_counter() - began > RUN_S_MAX or any(one.poll() is not None for one in processes):
            raise AssertionError("the run doesn't settle")
        time.sleep(POLL_S)


def _is_at_work(lines: Lines) -> bool:
    """Tell whether the processes have started, as they long have where a club is billed: all hold their locks."""
    holds = """
        SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND datname = current_database())
    """
    return all(_asks(line, holds) for line in lines.values())


def _is_settled(lines: Lines) -> bool:
    """Tell whether the run is submitted, its outbox empty, and no delivery of billing's waits anywhere."""
    done = "SELECT (SELECT state FROM bill_run) = 'submitted' AND NOT EXISTS (SELECT FROM outbox)"
    waits = "SELECT NOT EXISTS (SELECT FROM delivery WHERE producer = 'billing')"
    return _asks(lines["billing"], done) and all(_asks(line, waits) for line in lines.values())


def _line(stack: ExitStack, url: str) -> "psycopg.Connection[Any]":
    """Open a connection for all our questions: a new one for each would cost the machine more than their answers."""
    plain = url.replace("postgresql+psycopg", "postgresql")
    return stack.enter_context(psycopg.connect(plain, autocommit=True))


def _asks(line: "psycopg.Connection[Any]", question: str) -> bool:
    row = line.execute(question).fetchone()
    return bool(row and row[0])
