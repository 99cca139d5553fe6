"""Results of payments in callbacks of 1,000, through gRPC into the books, against a raw COPY of the rows they touch."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from boss.billing.v1 import processor_callback_service_pb2_grpc
from psycopg import sql

from boss_bench._callback_load import Billing, billing_with_payments, callback_door
from boss_bench.result import Result, p99_ms

PAYMENTS = int(os.environ.get("BOSS_BENCH_RESULTS", "20000"))
RESULTS_PER_CALL = 1000
CALLERS = 2
TIMEOUT_S = 30
TOUCHED = ("callback", "attempt", "payment", "invoice", "account", "transfer", "outbox")


def run() -> Iterator[Result]:
    """Give how many results a second are kept and applied."""
    with billing_with_payments(PAYMENTS + RESULTS_PER_CALL) as billing:
        outbox = billing.count("SELECT count(*) FROM outbox")
        warm_up, *requests = billing.requests(RESULTS_PER_CALL)
        with callback_door(billing.url) as (channel, process_id):
            door = processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub(channel)
            door.ReportPaymentResults(warm_up, timeout=TIMEOUT_S)
            start = time.perf_counter()
            with ThreadPoolExecutor(CALLERS) as callers:
                durations_s = list(callers.map(lambda request: _report(door, request), requests))
            per_s = PAYMENTS / (time.perf_counter() - start)
            peak_rss_mb = _peak_rss_mb(process_id)
        _check(billing)
        limit_per_s = (PAYMENTS + RESULTS_PER_CALL) / _copy_again_s(billing, outbox)
    ratio = per_s / limit_per_s
    yield Result("batch_results", PAYMENTS, per_s, limit_per_s, ratio, p99_ms(durations_s), peak_rss_mb)


def _report(door: Any, request: Any) -> float:
    start = time.perf_counter()
    answer = door.ReportPaymentResults(request, timeout=TIMEOUT_S)
    if answer.applied != len(request.results):
        raise AssertionError(f"only {answer.applied} of {len(request.results)} results were applied")
    return time.perf_counter() - start


def _check(billing: Billing) -> None:
    left = billing.count("SELECT count(*) FROM payment WHERE state IN ('created', 'pending', 'unknown')")
    if left:
        raise AssertionError(f"{left} payments have no result")


def _copy_again_s(billing: Billing, outbox_before: int) -> float:
    """Copy the rows the results touched into tables of the same shape, with the same indexes; tell how long it took."""
    with psycopg.connect(billing.node.url("billing")) as connection:
        contents = {}
        for name in TOUCHED:
            skipped = sql.SQL(" ORDER BY id OFFSET {}").format(outbox_before) if name == "outbox" else sql.SQL("")
            query = sql.SQL("COPY (SELECT * FROM {}{}) TO STDOUT (FORMAT BINARY)").format(sql.Identifier(name), skipped)
            with connection.cursor().copy(query) as copy:
                contents[name] = b"".join(bytes(part) for part in copy)
            again = sql.Identifier(f"again_{name}")
            connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(again, sql.Identifier(name)))
        connection.commit()
        start = time.perf_counter()
        for name, content in contents.items():
            query = sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(sql.Identifier(f"again_{name}"))
            with connection.cursor().copy(query) as copy:
                copy.write(content)
        connection.commit()
        return time.perf_counter() - start


def _peak_rss_mb(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
