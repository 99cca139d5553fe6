"""Results of payments one by one, through gRPC into the books, against a bare handler that commits one row a call."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import grpc
from boss.billing.v1 import processor_callback_service_pb2_grpc

from boss_bench._callback_load import billing_with_payments, callback_door
from boss_bench._import_load import free_address
from boss_bench.batch_results import _peak_rss_mb
from boss_bench.result import Result, p99_ms

CALLS = int(os.environ.get("BOSS_BENCH_CALLBACKS", "6000"))
ROUNDS = 3
CALLERS = 32
WARM_UP = 200
TIMEOUT_S = 30


def run() -> Iterator[Result]:
    """Let both take the same calls in turns, so that whatever else the machine does falls on both."""
    with billing_with_payments(CALLS + WARM_UP) as billing, _bare_door(billing.node.url("billing")) as bare:
        requests = billing.requests(1)
        with callback_door(billing.url) as (channel, process_id):
            ours = processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub(channel)
            for door in (bare, ours):
                _report_all(door, requests[:WARM_UP])
            rates: dict[str, list[float]] = {"bare": [], "ours": []}
            durations_s: list[float] = []
            for number in range(ROUNDS):
                mine = requests[WARM_UP + number :: ROUNDS]
                rates["bare"].append(_report_all(bare, mine)[0])
                per_s, took_s = _report_all(ours, mine)
                rates["ours"].append(per_s)
                durations_s += took_s
            peak_rss_mb = _peak_rss_mb(process_id)
    per_s, limit_per_s = median(rates["ours"]), median(rates["bare"])
    yield Result("callbacks", CALLS, per_s, limit_per_s, per_s / limit_per_s, p99_ms(durations_s), peak_rss_mb)


def _report_all(door: Any, requests: Sequence[Any]) -> tuple[float, list[float]]:
    start = time.perf_counter()
    with ThreadPoolExecutor(CALLERS) as callers:
        durations_s = list(callers.map(lambda request: _report(door, request), requests))
    return len(requests) / (time.perf_counter() - start), durations_s


def _report(door: Any, request: Any) -> float:
    start = time.perf_counter()
    answer = door.ReportPaymentResults(request, timeout=TIMEOUT_S)
    if answer.applied != 1:
        raise AssertionError("the result wasn't applied")
    return time.perf_counter() - start


@contextmanager
def _bare_door(url: str) -> Iterator[Any]:
    """Lend a stub of the bare server in a process of its own."""
    address = free_address()
    script = str(Path(__file__).with_name("_callback_bare.py"))
    process = subprocess.Popen([sys.executable, "-W", "ignore", script, url, address], stdin=subprocess.PIPE)
    channel = grpc.insecure_channel(address)
    try:
        grpc.channel_ready_future(channel).result(TIMEOUT_S)
        yield processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub(channel)
    finally:
        channel.close()
        process.communicate(timeout=TIMEOUT_S)
