"""Rate, errors and duration of every method."""

import time
from functools import lru_cache
from typing import Any

import grpc

from boss_kit import metrics
from boss_kit.rpc.calls import Call
from boss_kit.rpc.stages.base import QuietStage


class CountStage(QuietStage):
    """Counts calls by method and code."""

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Measure the call until its end."""
        began = time.perf_counter()

        def count() -> None:
            calls, seconds = _meters(call.method.name, call.code)
            calls.inc()
            seconds.observe(time.perf_counter() - began)

        call.at_end(count)


@lru_cache(maxsize=4096)
def _meters(method: str, code: str) -> tuple[Any, Any]:
    return metrics.CALLS.labels(method, code), metrics.CALL_SECONDS.labels(method)
