"""The event worker on RabbitMQ: a nameko service whose entrypoint consumes our partition queues (DESIGN 2, 3).

Started by `run_worker`, because the `nameko` command needs a package that today's setuptools no longer has. It acks
after the commit; nameko's own consumer would also ack what failed. Only `work` processes import this, and no gRPC.
"""

import errno
import gc
import logging
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import eventlet
import kombu
import tenacity
from amqp.exceptions import AMQPError
from eventlet.event import Event
from nameko.extensions import Entrypoint
from nameko.runners import ServiceRunner

from boss_kit.events.consumer import Consumer
from boss_kit.events.topology import (
    DEAD_EXCHANGE,
    SUSPECT_AFTER,
    Topology,
    dead_letter_queue_name,
    load_topology,
    queue_name,
)
from boss_kit.ids import PARTITIONS
from boss_kit.tasks import is_transient

log = logging.getLogger(__name__)

HEARTBEAT_S = 60
CONNECT_TIMEOUT_S = 5
OPEN_S_MAX = 20
BACK_OFF_S_MAX = 30
STANDBY_AFTER_S = 10.0
POLL_S = 1.0
PREFETCH = 2
"""One batch is processed while the next one is already here; each is counted against when a worker dies."""
PRIORITY_OWN = 10
PRIORITY_STANDBY = 1

_Message = Any  # kombu has no types.
_Method = Callable[[Any, _Message], None]
_wait = tenacity.wait_random_exponential(multiplier=0.1, max=BACK_OFF_S_MAX)


def run_worker(
    service_name: str,
    amqp_url: str,
    consumer: Consumer,
    index: int,
    of: int,
    *,
    topology: Topology | None = None,
    standby_after_s: float = STANDBY_AFTER_S,
) -> None:
    """Consume a service's events until SIGTERM; a broker that is away is waited for, for ever.

    Makes the process green, so call it before anything starts a thread.
    """
    eventlet.monkey_patch()
    queues = Queues(service_name, (topology or load_topology()).only([service_name]), index, of, standby_after_s)
    # Every error is the entrypoint's business: nameko only logs it.
    batches: Callable[[_Method], _Method] = BatchEntrypoint.decorator(
        amqp_url, queues, expected_exceptions=(Exception,)
    )

    class EventWorker:
        name = service_name

        @batches
        def consume(self, message: _Message) -> None:
            if queues.is_dead_letter(message):
                consumer.process_each(message.body, suspect=_delivery_count(message) >= SUSPECT_AFTER)
            else:
                consumer.process(message.body)

    runner = ServiceRunner({"max_workers": 1})
    runner.add_service(EventWorker)
    # A signal handler runs in eventlet's main loop, where nothing may wait.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: eventlet.spawn_n(runner.stop))
    runner.start()
    # What start-up made lives as long as the process; a page's garbage is found without walking through it.
    gc.freeze()
    _wait_for(runner)


class Queues:
    """Which queues a worker consumes: its own at once, the others later, as standby for a worker that dies."""

    def __init__(self, consumer: str, topology: Topology, index: int, of: int, standby_after_s: float) -> None:
        self.topology = topology
        self.standby_after_s = standby_after_s
        names = [queue_name(consumer, partition) for partition in range(PARTITIONS)]
        self.own = [name for partition, name in enumerate(names) if partition % of == index]
        self.standby = [name for partition, name in enumerate(names) if partition % of != index]
        (self.own if index == 0 else self.standby).append(dead_letter_queue_name(consumer))

    def is_dead_letter(self, message: _Message) -> bool:
        """Tell whether a batch ended workers before: it came out of the queue for those."""
        return bool(message.delivery_info["exchange"] == DEAD_EXCHANGE)


class BatchEntrypoint(Entrypoint):  # type: ignore[misc]  # nameko has no types.
    """Gives one message after the other to the service's method and acks it when the method returns."""

    def __init__(self, amqp_url: str, queues: Queues, **options: Any) -> None:
        self._amqp_url = amqp_url
        self._queues = queues
        self._stopping = False
        self._failures = 0
        self._thread: Any = None
        super().__init__(**options)

    def start(self) -> None:
        """Begin to consume."""
        self._thread = self.container.spawn_managed_thread(self._run)

    def stop(self) -> None:
        """Finish the batch in hand and close the connection."""
        self._stopping = True
        if self._thread is not None:
            self._thread.wait()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._consume()
            except Exception as error:
                # Lost connections and our own faults alike: what isn't acked comes again, counted by the broker and in
                # order. A reject would let the messages in flight behind it pass.
                self._failures += 1
                pause_s = _pause_s(self._failures)
                # A broker that is away or refuses is named in a line; only a fault of ours needs its trace.
                away = isinstance(error, OSError | AMQPError)
                reason = f"AMQP_URL: {type(error).__name__} {error}"[:300] if away else "a fault of ours"
                log.warning(
                    "the worker starts over",
                    exc_info=None if away else error,
                    extra={"reason": reason, "pause_s": pause_s},
                )
                deadline = time.monotonic() + pause_s
                while not self._stopping and time.monotonic() < deadline:
                    eventlet.sleep(min(POLL_S, pause_s))

    def _consume(self) -> None:
        with kombu.Connection(self._amqp_url, connect_timeout=CONNECT_TIMEOUT_S, heartbeat=HEARTBEAT_S) as connection:
            inbox: deque[_Message] = deque()
            channel, consumers = self._open(connection, inbox)
            standby_at = time.monotonic() + self._queues.standby_after_s
            standby = self._queues.standby
            while not self._stopping:
                if standby and time.monotonic() >= standby_at:
                    consumers += _subscribe(channel, standby, PRIORITY_STANDBY, inbox)
                    standby = []
                _drain(connection, 0 if inbox else POLL_S)
                if inbox:
                    self._process(connection, inbox.popleft())
                    self._failures = 0

    def _open(self, connection: Any, inbox: "deque[_Message]") -> tuple[Any, list[Any]]:
        """Declare and subscribe. Raises TimeoutError: a broker that is just coming up may never answer a question."""
        try:
            with eventlet.Timeout(OPEN_S_MAX, TimeoutError(f"the broker left a question open for {OPEN_S_MAX} s")):
                channel = connection.channel()
                self._queues.topology.declare(channel)
                channel.basic_qos(0, PREFETCH, False)
                return channel, list(_subscribe(channel, self._queues.own, PRIORITY_OWN, inbox))
        except TimeoutError:
            # Without a goodbye, for which nobody would wait either.
            connection.collect(socket_timeout=1)
            raise

    def _process(self, connection: Any, message: _Message) -> None:
        """Process a message until it is done; what is transient is tried again in place, so that the order stays."""
        failures = 0
        while not self._stopping:
            error = self._call(message)
            if error is None:
                message.ack()
                return
            if not is_transient(error):
                raise error
            failures += 1
            log.warning("a batch waits", extra={"error": str(error)[:200], "attempt": failures})
            deadline = time.monotonic() + _pause_s(failures)
            while not self._stopping and (left_s := deadline - time.monotonic()) > 0:
                # Draining answers heartbeats; what comes meanwhile is at most the prefetch.
                _drain(connection, min(POLL_S, left_s))

    def _call(self, message: _Message) -> BaseException | None:
        """Run the service's method as a nameko worker; give its error."""
        done: Any = Event()

        def handle_result(_context: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
            done.send(exc_info[1] if exc_info else None)
            # The error is the entrypoint's to handle, so that nameko has none.
            return result, None

        self.container.spawn_worker(self, (message,), {}, handle_result=handle_result)
        error: BaseException | None = done.wait()
        return error


def _subscribe(channel: Any, names: Iterable[str], priority: int, inbox: "deque[_Message]") -> Iterator[Any]:
    for name in names:
        queue = kombu.Queue(name, no_declare=True, consumer_arguments={"x-priority": priority})
        consumer = kombu.Consumer(channel, [queue], on_message=inbox.append, accept=None, auto_declare=False)
        consumer.consume()
        yield consumer


def _drain(connection: Any, timeout_s: float) -> None:
    """Read what the broker sent, if anything, and answer its heartbeats."""
    try:
        connection.drain_events(timeout=timeout_s)
    except TimeoutError:
        connection.heartbeat_check()


def _delivery_count(message: _Message) -> int:
    return int(message.headers.get("x-delivery-count", 0))


def _pause_s(failures: int) -> float:
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = failures
    return _wait(state)


def _wait_for(runner: Any) -> None:
    # As nameko's own command does: the signal interrupts the main greenlet where it waits on a socket.
    waiting = eventlet.spawn(runner.wait)
    while True:
        try:
            waiting.wait()
            return
        except OSError as error:
            if error.errno != errno.EINTR:
                raise
