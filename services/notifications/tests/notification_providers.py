"""Providers for tests: they remember what they took, and may die right after."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from boss_notifications.adapters.port import Certainty, Delivery, Fate, Message


class Died(BaseException):
    """The process ends here, as with kill -9: nobody catches it."""


class Provider:
    """Takes everything; `dies_after` is the number of messages after which it takes the process along."""

    name = "test"

    def __init__(
        self, channel: str, certainty: Certainty, *, batch_size: int = 10, dies_after: int | None = None
    ) -> None:
        self.channel = channel
        self.certainty = certainty
        self.batch_size = batch_size
        self.dies_after = dies_after
        self.taken: Counter[str] = Counter()
        self.handed_over: Counter[str] = Counter()
        self.order: list[str] = []
        self.messages: list[Message] = []
        self.fates: dict[str, Delivery] = {}

    def message_id(self, intent_id: UUID) -> str:
        return f"{intent_id}@test"

    @contextmanager
    def open(self) -> Iterator["Provider"]:
        yield self

    def send(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        for message in messages:
            planned = self.fates.get(message.intent.account_number)
            if planned is not None:
                yield Delivery(
                    message.intent.id, planned.fate, planned.response, planned.response_detail, planned.reason
                )
                continue
            self.handed_over[message.message_id] += 1
            # A provider with keys takes a repeat for what it is.
            self.taken[message.message_id] = (
                1 if self.certainty is Certainty.IDEMPOTENT else self.handed_over[message.message_id]
            )
            self.order.append(message.intent.account_number)
            self.messages.append(message)
            if self.dies_after is not None and len(self.messages) >= self.dies_after:
                self.dies_after = None
                raise Died
            yield Delivery(message.intent.id, Fate.TAKEN)

    def was_taken(self, message_id: str) -> bool | None:
        return self.taken[message_id] > 0 if self.certainty is Certainty.QUERYABLE else None


class Arm:
    """ARM's answer to releases."""

    def __init__(self, refused: Mapping[UUID, str] | None = None) -> None:
        self.refused = dict(refused or {})
        self.asked: list[UUID] = []

    def release(self, enterprise_id: UUID, step_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        self.asked += step_ids
        return {step_id: self.refused[step_id] for step_id in step_ids if step_id in self.refused}
