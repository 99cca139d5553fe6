"""Every error leaves as a canonical code with its details, and nothing else leaks."""

import logging
from typing import NoReturn

import grpc
from grpc_status import rpc_status

from boss_kit.errors import BossError
from boss_kit.rpc.calls import Call
from boss_kit.rpc.database_errors import translate
from boss_kit.rpc.status import to_status

log = logging.getLogger(__name__)

CORRELATION_KEY = "boss-correlation"
CANCELLED = "CANCELLED"


class Errors:
    """Maps exceptions to statuses."""

    def __init__(self, service: str) -> None:
        self._domain = f"{service}.boss"

    def answer(self, call: Call, context: grpc.ServicerContext, error: Exception) -> None:
        """Answer an exception with its status, which raises; return where nobody waits for an answer any more."""
        if isinstance(error, BossError):
            self._abort(call, context, error)
        if context.is_active():
            self._abort(call, context, translate(error) or _unexpected(call, error))
        call.code = CANCELLED

    def _abort(self, call: Call, context: grpc.ServicerContext, error: BossError) -> NoReturn:
        # A code of another service's that isn't the caller's business to act on stays inside.
        known = error.code if error.code in grpc.StatusCode.__members__ else "INTERNAL"
        error.code = "INTERNAL" if known == "UNKNOWN" else known
        call.code = error.code
        correlation = call.context.correlation
        context.set_trailing_metadata(((CORRELATION_KEY, correlation),))
        context.abort_with_status(rpc_status.to_status(to_status(error, self._domain, correlation)))


def _unexpected(call: Call, error: Exception) -> BossError:
    correlation = call.context.correlation
    log.error("a call failed unexpectedly", exc_info=error, extra={"method": call.method.name})
    internal = BossError(
        "INTERNAL",
        f"Something broke inside; tell the operator this id: {correlation}",
        metadata={"correlation": correlation},
    )
    internal.code = "INTERNAL"
    return internal
