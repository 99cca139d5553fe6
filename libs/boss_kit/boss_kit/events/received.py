"""An event as its consumer gets it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from boss.events.v1 import event_pb2

from boss_kit.context import Actor, Context
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Transaction

Fact = TypeVar("Fact")

_NO_ID = UUID("00000000-0000-5000-8000-000000000000")


class IncomingEvent:
    """The envelope of a fact: frozen, read from the message when asked, because a page of events is many."""

    __slots__ = ("message", "producer")

    def __init__(self, message: event_pb2.Event, producer: str) -> None:
        self.message = message
        self.producer = producer

    @property
    def id(self) -> UUID:
        """The event's own id; one made of its bytes where it carries none that is a UUID."""
        try:
            return UUID(self.message.id)
        except ValueError:
            return derived_id(_NO_ID, self.message.SerializeToString(deterministic=True).hex())

    def repair(self) -> None:
        """Make ids that are none usable, so that the event can at least be parked."""
        self.message.id, self.message.key = str(self.id), str(self.key)
        try:
            self.message.enterprise = str(UUID(self.message.enterprise))
        except ValueError:
            self.message.enterprise = ""

    @property
    def type(self) -> str:
        """The fact's type, such as `boss.billing.payment.v1.declined`."""
        return self.message.type

    @property
    def subject(self) -> str:
        """The resource name the fact is about."""
        return self.message.subject

    @property
    def key(self) -> UUID:
        """The UUID whose events keep their order; the event's own id where it carries none."""
        try:
            return UUID(self.message.key)
        except ValueError:
            return self.id

    @property
    def enterprise_id(self) -> UUID:
        """The enterprise it belongs to. Raises ValueError where it says none."""
        return parse_id(self.message.enterprise)

    @property
    def business_unit_id(self) -> UUID | None:
        """The business unit it belongs to, where it has one."""
        return parse_id(self.message.business_unit) if self.message.business_unit else None

    @property
    def business_date(self) -> date:
        """The business date it belongs to: the consumer's today."""
        day = self.message.business_date
        return date(day.year, day.month, day.day)

    @property
    def version(self) -> int:
        """The state's version; 0 for an occurrence."""
        return self.message.version

    @property
    def correlation(self) -> str:
        """The id of the story it is part of."""
        return self.message.correlation or self.message.id

    @property
    def context(self) -> Context:
        """What carries on into everything that follows from it."""
        return Context(
            enterprise_id=self.enterprise_id,
            actor=_actor(self.message.actor),
            correlation=self.correlation,
            causation=self.message.id,
            traceparent=self.message.traceparent,
            business_date=self.business_date,
        )


class Received(NamedTuple, Generic[Fact]):
    """An event and the fact in it, decoded."""

    event: IncomingEvent
    fact: Fact

    @property
    def context(self) -> Context:
        """What carries on into everything that follows from it: the `cause` of `tx.publish` and `tx.enqueue`."""
        return self.event.context


@dataclass(frozen=True)
class Subscription(Generic[Fact]):
    """What a service does about one type of event: how to read the fact, and which command takes a page of them."""

    type: str
    decode: Callable[[bytes], Fact]
    handle: Callable[[Transaction, Sequence[Received[Fact]]], object]


@lru_cache(maxsize=4096)
def parse_id(text: str) -> UUID:
    """Read a UUID that many events share."""
    return UUID(text)


@lru_cache(maxsize=1024)
def _actor(text: str) -> Actor:
    return Actor.from_json(text)
