"""A stream of questions with one answer each, which outlives the server's restarts."""

import queue
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from boss_cli.channels import until_answered
from boss_cli.failures import is_transient
from boss_kit.errors import BossError


class Conversation:
    """Asks over one stream; when it breaks, opens another and asks the open question again.

    The questions must be repeatable, as imports are.
    """

    def __init__(self, method: Callable[..., Any], again_s: float) -> None:
        """Talk to a stream-stream `method`; ask for at most `again_s` again while the server is away."""
        self._method = method
        self._again_s = again_s
        self._questions: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._call: Any = None
        self._asked: Any = None

    def send(self, question: Any) -> None:
        """Ask; `receive` must follow before the next."""
        self._asked = question
        if self._call is None:
            self._open()
        self._questions.put(question)

    def receive(self) -> Any:
        """Wait for the answer. Raises BossError when the server refuses, or stays away."""
        try:
            return next(self._call)
        except BossError as error:
            self._hang_up()
            if not is_transient(error):
                raise
        return until_answered(self._again_s)(self._ask_again)

    def _ask_again(self) -> Any:
        self._open()
        self._questions.put(self._asked)
        try:
            return next(self._call)
        except BossError:
            self._hang_up()
            raise

    def _open(self) -> None:
        self._questions = queue.SimpleQueue()
        self._call = self._method(iter(self._questions.get, None))

    def _hang_up(self) -> None:
        call, self._call = self._call, None
        self._questions.put(None)
        if call is not None:
            call.close()

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._call is not None and kind is None:
            # The server ends its side after ours: only then is the stream over without an error.
            self._questions.put(None)
            with suppress(BossError):
                for _ in self._call:
                    pass
        self._hang_up()
