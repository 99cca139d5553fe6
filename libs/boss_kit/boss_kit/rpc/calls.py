"""The call that is being answered. This module imports no gRPC, so that workers may use it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boss_kit.context import Context

if TYPE_CHECKING:
    from boss_kit.rpc.auth import Token
    from boss_kit.rpc.methods import Method


@dataclass
class Call:
    """One call on its way through the stages; each stage adds what it learned."""

    method: "Method"
    metadata: dict[str, str]
    remaining_s: float | None
    per_record_validation: bool = False
    context: Context = field(default_factory=Context)
    token: "Token | None" = None
    approval: "Token | None" = None
    code: str = "OK"

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._endings: list[Callable[[], None]] = []

    def at_end(self, ending: Callable[[], None]) -> None:
        """Have something done when the call is over, whatever comes of it; the last to ask is the first."""
        self._endings.append(ending)

    def end(self) -> None:
        """Do what was asked for."""
        while self._endings:
            self._endings.pop()()

    def time_left_s(self) -> float | None:
        """Tell how long the caller still waits; None for a call without a deadline."""
        if self.remaining_s is None:
            return None
        return max(0.0, self.remaining_s - (time.monotonic() - self._began))


_call: ContextVar[Call | None] = ContextVar("boss_call", default=None)
_context: ContextVar[Context | None] = ContextVar("boss_context", default=None)


def enter(call: Call) -> None:
    """Make it the current call; gRPC runs every call in a context of its own, so nothing needs to be put back."""
    _call.set(call)


def current_call() -> Call:
    """Give the call being answered."""
    call = _call.get()
    if call is None:
        raise LookupError("no call is being answered here; a door works only inside a server")
    return call


def current_context() -> Context | None:
    """Give the context of the call, task or event being worked on, None outside of one."""
    own = _context.get()
    if own is not None:
        return own
    call = _call.get()
    return call.context if call else None


def time_left_s() -> float | None:
    """Tell how long the current caller still waits; None where nobody does."""
    call = _call.get()
    return call.time_left_s() if call else None


@contextmanager
def acting(context: Context) -> Iterator[None]:
    """Work on behalf of a context: outgoing calls, logs and spans carry its actor and correlation."""
    before = _context.set(context)
    try:
        yield
    finally:
        _context.reset(before)
