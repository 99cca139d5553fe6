"""The port every provider is reached through (DESIGN 6)."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from boss_notifications.intents.rules import Intent


class Certainty(StrEnum):
    """What helps after a crash between send and record: the provider's key, a question, or nothing."""

    IDEMPOTENT = "idempotent"
    QUERYABLE = "queryable"
    NEITHER = "neither"


class Fate(StrEnum):
    """What became of one hand-over."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The provider said no for good; nothing goes out."""
    NOT_TAKEN = "not_taken"
    """The provider certainly has nothing of it and can't take others now: try again soon."""
    DEFERRED = "deferred"
    """The provider asks to bring this one again later; others go on."""
    IN_DOUBT = "in_doubt"
    """Nobody knows: ask, repeat with the key, or give it to a person."""


@dataclass(frozen=True)
class Message:
    """A notification, composed: ready for its provider."""

    intent: Intent
    message_id: str
    subject: str
    body: str
    send_date_text: str
    time: datetime
    template_id: UUID


@dataclass(frozen=True)
class Delivery:
    """What became of one message; `response` and `response_detail` are words of the response table."""

    intent_id: UUID
    fate: Fate
    response: str = ""
    response_detail: str = ""
    reason: str = ""


class Session(Protocol):
    """An open line to a provider."""

    def send(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        """Hand messages over, one delivery each, in their order; never raises for a message."""
        ...

    def was_taken(self, message_id: str) -> bool | None:
        """Ask whether the provider has a message; None where it can't be asked.

        Raises Transient when it doesn't answer now.
        """
        ...


class Provider(Protocol):
    """Whoever carries the messages of one channel."""

    @property
    def name(self) -> str:
        """Give the name that the notification keeps."""
        ...

    @property
    def channel(self) -> str:
        """Give the channel it serves."""
        ...

    @property
    def certainty(self) -> Certainty:
        """Tell what helps after a crash."""
        ...

    @property
    def batch_size(self) -> int:
        """Tell how many notifications may be in sending at a time."""
        ...

    def message_id(self, intent_id: UUID) -> str:
        """Name the message of a notification: the same for every repeat."""
        ...

    def open(self) -> AbstractContextManager[Session]:
        """Open a line. Raises Transient when the provider is away."""
        ...
