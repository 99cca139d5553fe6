"""Rate, errors and duration of every method."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from boss_kit import metrics
from boss_kit.rpc.calls import Call
from boss_kit.rpc.stages.base import QuietStage


class CountStage(QuietStage):
    """Counts calls by method and code."""

    @contextmanager
    def around(self, call: Call, context: grpc.ServicerContext) -> Iterator[None]:
        """Measure the call."""
        began = time.perf_counter()
        try:
            yield
        except GeneratorExit:
            call.code = "CANCELLED"
            raise
        finally:
            metrics.CALLS.labels(call.method.name, call.code).inc()
            metrics.CALL_SECONDS.labels(call.method.name).observe(time.perf_counter() - began)
