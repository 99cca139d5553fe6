"""Who subscribes to whom, and the exchanges and queues that follow from it (DESIGN 3).

Works on RabbitMQ 3.10 and 4.x. Arguments of a declared queue are frozen: a change is a queue of the next version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

import yaml

from boss_kit.ids import PARTITIONS

EXCHANGE = "boss.events"
DEAD_EXCHANGE = "boss.dead"
VERSION = "v1"
DELIVERY_LIMIT = 20
NEARLY_NO_LIMIT = 1_000_000_000
SUSPECT_AFTER = 3
"""After so many dead workers more, the event a dead-lettered batch stops at is parked untried."""
NEW_QUEUE_UNSAFE_S = 5
"""So long after its first declaration a queue shouldn't lose its broker: RabbitMQ writes the name of a quorum queue's
log up to 3 s late (Erlang's dets), and after a SIGKILL takes the queue for a new one, empty and without a leader
(rabbitmq-server #15725)."""
_QUORUM = {"x-queue-type": "quorum", "x-single-active-consumer": True}


class Channel(Protocol):
    """What pika's and py-amqp's channels have in common."""

    def exchange_declare(self, exchange: str, kind: str, /, *, durable: bool, auto_delete: bool) -> Any:
        """Make an exchange."""
        ...

    def queue_declare(self, queue: str, /, *, durable: bool, auto_delete: bool, arguments: Any) -> Any:
        """Make a queue."""
        ...

    def queue_bind(self, queue: str, exchange: str, routing_key: str, /) -> Any:
        """Bind a queue."""
        ...


@dataclass(frozen=True)
class Topology:
    """Consumers and the producers each subscribes to."""

    consumers: Mapping[str, frozenset[str]]

    def subscribers(self, producer: str) -> Sequence[str]:
        """Tell who subscribes to a producer."""
        return sorted(consumer for consumer, producers in self.consumers.items() if producer in producers)

    def of_producer(self, producer: str) -> "Topology":
        """Leave out the consumers that don't subscribe to a producer."""
        return self.only(self.subscribers(producer))

    def only(self, consumers: Iterable[str]) -> "Topology":
        """Leave out the consumers that an installation doesn't have. Raises LookupError for an unknown one."""
        wanted = frozenset(consumers)
        unknown = wanted - self.consumers.keys()
        if unknown:
            raise LookupError(f"no such consumers: {', '.join(sorted(unknown))}; there are {', '.join(self.consumers)}")
        return Topology({name: producers for name, producers in self.consumers.items() if name in wanted})

    def declare(self, channel: Channel) -> None:
        """Make every exchange, queue and binding; those that are there stay as they are."""
        for exchange in (EXCHANGE, DEAD_EXCHANGE):
            channel.exchange_declare(exchange, "direct", durable=True, auto_delete=False)
        for consumer, producers in self.consumers.items():
            _declare_dead_letters(channel, consumer)
            for partition in range(PARTITIONS):
                queue = queue_name(consumer, partition)
                channel.queue_declare(queue, durable=True, auto_delete=False, arguments=_arguments(consumer))
                for producer in producers:
                    channel.queue_bind(queue, EXCHANGE, routing_key(producer, partition))


def load_topology(text: str | None = None) -> Topology:
    """Read `protos/topology.yaml`, which the generated protos carry along, or the text of another one."""
    if text is None:
        text = files("boss").joinpath("topology.yaml").read_text(encoding="utf-8")
    consumers = yaml.safe_load(text)["consumers"]
    return Topology({consumer: frozenset(producers) for consumer, producers in consumers.items()})


def queue_name(consumer: str, partition: int) -> str:
    """Name the queue of a consumer's partition."""
    return f"boss.{consumer}.{partition}.{VERSION}"


def dead_letter_queue_name(consumer: str) -> str:
    """Name the queue of the batches that ended a consumer's workers."""
    return f"boss.{consumer}.dead.{VERSION}"


def routing_key(producer: str, partition: int) -> str:
    """Name the route of a producer's partition."""
    return f"{producer}.{partition}"


def _arguments(consumer: str) -> dict[str, Any]:
    return _QUORUM | {
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-dead-letter-routing-key": consumer,
        # Falls back to at-most-once, silently, with any other overflow.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _declare_dead_letters(channel: Channel, consumer: str) -> None:
    queue = dead_letter_queue_name(consumer)
    # A dead letter must stay, whatever happens: without a limit of its own 4.x has one of 20 and drops what exceeds it,
    # and -1, which is none in 4.x, makes 3.10 drop it at the first redelivery.
    arguments = _QUORUM | {"x-delivery-limit": NEARLY_NO_LIMIT}
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    channel.queue_bind(queue, DEAD_EXCHANGE, consumer)
