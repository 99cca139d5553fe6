"""A stage that does nothing; the others replace what they need."""

import grpc
from google.protobuf.message import Message

from boss_kit.rpc.calls import Call
from boss_kit.rpc.texts import Column


class QuietStage:
    """Neither begins anything nor looks at messages."""

    def begin(self, call: Call, context: grpc.ServicerContext) -> None:
        """Let the call pass."""

    def message(self, call: Call, message: Message, texts: list[Column]) -> None:
        """Let the message pass."""
