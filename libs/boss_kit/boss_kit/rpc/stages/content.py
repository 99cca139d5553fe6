"""Nothing unreadable, no card number and nothing against the proto's rules reaches a servicer."""

from google.protobuf.message import Message

from boss_kit.rpc.calls import Call
from boss_kit.rpc.content import are_clean, check_rules, check_texts, refuse, texts_of
from boss_kit.rpc.stages.base import QuietStage
from boss_kit.rpc.texts import Column


class CardStage(QuietStage):
    """Refuses card numbers and NUL characters."""

    def message(self, call: Call, message: Message, texts: list[Column]) -> None:
        """Look at every string; those of single records are the servicer's, where it says so."""
        if not are_clean(texts):
            refuse(check_texts(list(texts_of(message, deep=not call.per_record_validation))))


class ValidationStage(QuietStage):
    """Applies the protovalidate rules."""

    def message(self, call: Call, message: Message, texts: list[Column]) -> None:
        """Refuse what the rules refuse."""
        if not call.per_record_validation:
            refuse(check_rules(message))
