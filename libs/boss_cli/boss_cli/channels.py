"""The kit's channel for a person's calls: one token for all of them, and a policy that repeats what went unanswered."""

from collections.abc import Callable
from typing import Any

import grpc
import tenacity

from boss_cli.failures import is_transient
from boss_kit.rpc.client import BossChannel

TokenSource = Callable[[str], str]
"""Gives a token for a service."""

RETRY_WAIT_S_MAX = 1.0


def until_answered(timeout_s: float) -> tenacity.Retrying:
    """Make a policy that repeats a call while its failure is transient, up to a time; then the last failure is raised.

    Use it as `until_answered(60)(stub.GetStatus, request)`; commands are safe because they carry their `request_id`.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(is_transient),
        stop=tenacity.stop_after_delay(timeout_s),
        wait=tenacity.wait_exponential(multiplier=0.05, max=RETRY_WAIT_S_MAX),
        reraise=True,
    )


class PersonChannel(BossChannel):
    """A channel of the kit with a deadline of one's own."""

    def __init__(
        self,
        inner: grpc.Channel,
        service: str,
        token_source: TokenSource,
        *,
        deadline_s: float,
        until_answered_s: float = 0.0,
    ) -> None:
        super().__init__(inner, service, lambda _: token_source(service))
        self._deadline_s = deadline_s
        self._until_answered_s = until_answered_s

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Make a callable for one question and one answer, which is patient if asked to be."""
        call = super().unary_unary(method, *args, **kwargs)

        def ask(request: Any, timeout: float | None = None, metadata: Any = None) -> Any:
            if not self._until_answered_s:
                return call(request, timeout=timeout or self._deadline_s, metadata=metadata)
            patient = until_answered(self._until_answered_s)
            return patient(call, request, timeout=timeout or self._deadline_s, metadata=metadata)

        return ask
