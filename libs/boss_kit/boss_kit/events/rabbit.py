"""Publishing to RabbitMQ: persistent, mandatory, confirmed (DESIGN 3).

One blocking channel is enough: a message is up to 500 events, and its confirm costs less than reading and deleting
their rows.
"""

import logging

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from boss_kit.events.batch import CONTENT_TYPE, Batch
from boss_kit.events.relay import PublishError
from boss_kit.events.topology import EXCHANGE, Topology, routing_key

log = logging.getLogger(__name__)

HEARTBEAT_S = 60
CONNECT_TIMEOUT_S = 5
BLOCKED_S_MAX = 30

_PROPERTIES = pika.BasicProperties(content_type=CONTENT_TYPE, delivery_mode=pika.DeliveryMode.Persistent.value)


def why_not_let_in(amqp_url: str, timeout_s: float) -> str | None:
    """Log in to the broker; say what it has against that, such as a wrong password, or None."""
    parameters = pika.URLParameters(amqp_url)
    parameters.socket_timeout = parameters.blocked_connection_timeout = timeout_s
    parameters.connection_attempts = 1
    # What it would log five times over is the answer here.
    own = logging.getLogger("pika")
    level = own.level
    own.setLevel(logging.CRITICAL)
    try:
        pika.BlockingConnection(parameters).close()
    except (AMQPError, OSError) as error:
        return f"{type(error).__name__} {error}"
    finally:
        own.setLevel(level)
    return None


class RabbitPublisher:
    """Publishes one service's batches; made again after every failure."""

    def __init__(self, amqp_url: str, topology: Topology, producer: str) -> None:
        self._parameters = pika.URLParameters(amqp_url)
        self._parameters.heartbeat = HEARTBEAT_S
        self._parameters.socket_timeout = CONNECT_TIMEOUT_S
        self._parameters.blocked_connection_timeout = BLOCKED_S_MAX
        self._topology = topology.of_producer(producer)
        # Where nobody subscribes there is no queue, and that is no fault of the broker's.
        self._mandatory = bool(self._topology.consumers)
        self._channel: BlockingChannel | None = None

    def publish(self, batch: Batch) -> None:
        """Return when every subscriber's queue has the batch on disk. Raises PublishError otherwise."""
        try:
            channel = self._channel = self._channel or self._open()
            route = routing_key(batch.producer, batch.partition)
            channel.basic_publish(EXCHANGE, route, batch.body, _PROPERTIES, mandatory=self._mandatory)
        except (AMQPError, OSError) as error:
            raise PublishError(f"the broker did not take a batch: {type(error).__name__} {error}") from error

    def idle(self) -> None:
        """Answer the broker's heartbeats. Raises PublishError when the connection is lost."""
        if self._channel is None:
            return
        try:
            self._channel.connection.process_data_events(time_limit=0)
        except (AMQPError, OSError) as error:
            raise PublishError(f"the broker is away: {type(error).__name__} {error}") from error

    def close(self) -> None:
        """Close the connection; the next publish opens another and declares the queues again."""
        channel, self._channel = self._channel, None
        if channel is not None:
            _close(channel.connection)

    def _open(self) -> BlockingChannel:
        connection = pika.BlockingConnection(self._parameters)
        try:
            channel = connection.channel()
            self._topology.declare(channel)
            channel.confirm_delivery()
        except BaseException:
            _close(connection)
            raise
        return channel


def _close(connection: pika.BlockingConnection) -> None:
    try:
        if connection.is_open:
            connection.close()
    except (AMQPError, OSError) as error:
        log.debug("a lost connection did not close", exc_info=error)
