"""Every call belongs to a story: its correlation id and trace."""

import re

import grpc

from boss_kit import telemetry
from boss_kit.context import Context
from boss_kit.ids import new_id
from boss_kit.rpc.calls import Call
from boss_kit.rpc.stages.base import QuietStage

CORRELATION_KEY = "boss-correlation"
TRACEPARENT_KEY = "traceparent"
_CORRELATION = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class StoryStage(QuietStage):
    """Takes the correlation id from the caller or makes one, and opens the server's span."""

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Begin the story's part of this call."""
        correlation = call.metadata.get(CORRELATION_KEY, "")
        if not _CORRELATION.fullmatch(correlation):
            correlation = str(new_id())
        parent = call.metadata.get(TRACEPARENT_KEY, "")
        parent = parent if _TRACEPARENT.fullmatch(parent) else ""
        call.context = Context(correlation=correlation, traceparent=_open_span(call, parent) or parent)


def _open_span(call: Call, parent: str) -> str:
    """Open the call's span where there is telemetry; give its traceparent."""
    if not telemetry.is_on():
        return ""
    opened = telemetry.span(call.method.name, kind="server", parent=parent)
    span = opened.__enter__()

    def close() -> None:
        span.end_with(call.code)
        opened.__exit__(None, None, None)

    call.at_end(close)
    return span.traceparent
