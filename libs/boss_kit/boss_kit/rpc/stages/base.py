"""A stage that does nothing; the others replace what they need."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.protobuf.message import Message

from boss_kit.rpc.calls import Call


class QuietStage:
    """Neither surrounds the call nor looks at its messages."""

    @contextmanager
    def around(self, call: Call, context: grpc.ServicerContext) -> Iterator[None]:
        """Let the call pass."""
        yield

    def message(self, call: Call, message: Message) -> None:
        """Let the message pass."""
