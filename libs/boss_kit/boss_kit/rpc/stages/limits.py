"""Every call has an end, and watchers can't take all threads."""

import threading

import grpc

from boss_kit.errors import InvalidArgument, ResourceExhausted
from boss_kit.rpc.calls import Call
from boss_kit.rpc.stages.base import QuietStage

DEADLINE_S_MAX = 30
# What the caller's clock and the way here may add.
DEADLINE_SLACK_S = 1
WATCHES_MAX = 4


class LimitStage(QuietStage):
    """Refuses calls that could wait for ever."""

    def __init__(self) -> None:
        self._watches = threading.BoundedSemaphore(WATCHES_MAX)

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Refuse a call without a proper deadline, and a watch too many."""
        _require_deadline(call)
        if not call.method.watch:
            return
        if not self._watches.acquire(blocking=False):
            raise ResourceExhausted(
                "TOO_MANY_WATCHES", f"This server already has {WATCHES_MAX} watchers; read with Get instead."
            )
        call.at_end(self._watches.release)


def _require_deadline(call: Call) -> None:
    # Streams last as long as their work; keepalive ends those whose caller is gone.
    if call.method.streams:
        return
    if call.remaining_s is None:
        raise InvalidArgument("DEADLINE_REQUIRED", "The call has no deadline; set one.")
    if call.remaining_s > DEADLINE_S_MAX + DEADLINE_SLACK_S:
        raise InvalidArgument(
            "DEADLINE_REQUIRED", f"The deadline is more than {DEADLINE_S_MAX} s away; set one nearer."
        )
