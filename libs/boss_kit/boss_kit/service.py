"""What a service is made of: `serve`, `work` and `run`, to be started and stopped in one process or in many.

This module imports no gRPC by itself: a worker on RabbitMQ can't live beside it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from uuid import UUID

from jwt.exceptions import PyJWTError

from boss_kit import metrics
from boss_kit.database import open_database, sqlalchemy_url
from boss_kit.events.consumer import Consumer
from boss_kit.events.received import Subscription
from boss_kit.jobs import CLEAN, Job, Schedule, clean
from boss_kit.loops import Loops
from boss_kit.migrate import require_at_least
from boss_kit.rpc.calls import acting
from boss_kit.settings import Settings, StartError
from boss_kit.tasks import Process, Task, TaskRunner
from boss_kit.unit_of_work import Encoder, Transaction, UnitOfWork

if TYPE_CHECKING:
    import grpc
    import sqlalchemy as sa

    from boss_kit.rpc.auth import Signer
    from boss_kit.rpc.client import Channels
    from boss_kit.rpc.server import Server
    from boss_kit.web import WebServer

log = logging.getLogger(__name__)

S = TypeVar("S", bound=Settings)
Enterprises = Callable[[Transaction], Sequence[UUID]]


class Startable(Protocol):
    """Something that can be started and stopped."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Finish what is in hand, then end."""
        ...


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service's description, in its `app.py`."""

    name: str
    settings: type[S]
    migrations: Path
    encode: Encoder

    def open(self, settings: S, pool_size: int) -> "House[S]":
        """Open the service's database and what follows from the settings."""
        return House(self, settings, pool_size)


class House(Generic[S]):
    """What the doors of one process share: settings, database, transactions, channels."""

    def __init__(self, service: Service[S], settings: S, pool_size: int) -> None:
        self.service = service
        self.settings = settings
        self.closing = ExitStack()
        self.engine = open_database(sqlalchemy_url(settings.database_url), pool_size)
        self.closing.callback(self.engine.dispose)
        self.units = UnitOfWork(self.engine, service.name, service.encode, test_clock=settings.test_clock)

    def channels(self, *, wait_for_ready: bool = False) -> "Channels":
        """Open the way to the other services: `AccountServiceStub(house.channels().to("billing"))`."""
        from boss_kit.rpc.client import Channels

        signer = self.signer()
        channels = Channels(
            self.settings.addresses, signer, certificates=certificates(self.settings), wait_for_ready=wait_for_ready
        )
        self.closing.callback(channels.close)
        return channels

    def signer(self) -> "Signer":
        """Give what signs this service's tokens. Raises StartError for a key it can't sign with."""
        from boss_kit.rpc.auth import Signer

        path = self.settings.service_key
        try:
            signer = Signer(self.service.name, path.read_bytes())
            signer.token(self.service.name)
        except OSError as error:
            raise StartError(f"BOSS_SERVICE_KEY: {path} can't be read: {error.strerror}.") from error
        except (ValueError, TypeError, PyJWTError) as error:
            raise StartError(f"BOSS_SERVICE_KEY: {path} is no private key (PEM, Ed25519): {error}") from error
        return signer

    def publish_metrics(self) -> None:
        """Let Prometheus ask this process, where an address is set."""
        if self.settings.metrics_address:
            stop = metrics.serve_metrics(self.settings.metrics_address, self.engine, self.service.name)
            self.closing.callback(stop)

    def require_schema(self) -> None:
        """Refuse to work on a schema that is too old."""
        require_at_least(self.engine, self.service.migrations)

    def close(self) -> None:
        """Give everything back."""
        self.closing.close()


def certificates(settings: Settings) -> Any:
    """Give the files for mutual TLS, None where it is off."""
    from boss_kit.rpc.server import Certificates

    if not (settings.tls_certificate and settings.tls_private_key and settings.tls_client_authority):
        return None
    return Certificates(settings.tls_certificate, settings.tls_private_key, settings.tls_client_authority)


class Serving:
    """The API of a service: gRPC, and HTTP where it has webhooks."""

    def __init__(
        self,
        house: House[Any],
        servicers: Sequence["Callable[[grpc.Server], None]"],
        *,
        subscriptions: Iterable[Subscription[Any]] = (),
        jobs: Sequence[Job] = (),
        web: "WebServer | None" = None,
    ) -> None:
        self._house = house
        self._servicers = tuple(servicers)
        self._consumer = Consumer(house.units, subscriptions)
        self._jobs = tuple(jobs)
        self.web = web
        self._server: Server | None = None

    @property
    def port(self) -> int:
        """Tell the port it listens on."""
        if self._server is None:
            raise LookupError("it listens on no port before it is started")
        return self._server.port

    def start(self) -> None:
        """Answer calls."""
        from boss_kit.platform import add_platform
        from boss_kit.rpc.auth import KeySet, Verifier
        from boss_kit.rpc.server import build_server

        house, settings = self._house, self._house.settings
        house.require_schema()
        house.publish_metrics()
        keys = KeySet(settings.jwks)
        keys.load()

        def platform(server: "grpc.Server") -> None:
            add_platform(server, house.units, self._consumer, self._jobs)

        self._server = build_server(
            house.service.name,
            settings.grpc_address,
            Verifier(house.service.name, keys),
            [*self._servicers, platform],
            reflected=settings.reflection,
            certificates=certificates(settings),
        )
        self._server.start()
        if self.web is not None:
            self.web.start()
        log.info("serving", extra={"port": self.port})

    def stop(self) -> None:
        """Finish the calls in hand."""
        if self.web is not None:
            self.web.stop()
        if self._server is not None:
            self._server.stop()
        self._house.close()


class Working:
    """The consumer of a service's events."""

    def __init__(
        self, house: House[Any], subscriptions: Iterable[Subscription[Any]], index: int = 0, of: int = 1
    ) -> None:
        self._house = house
        self._consumer = Consumer(house.units, subscriptions)
        self._index = index
        self._of = of
        self._loops = Loops(f"{house.service.name}-work")

    def start(self) -> None:
        """Consume the local bus, in a thread. With RabbitMQ a worker needs a process of its own: `run_worker`."""
        from boss_kit.events.local_bus import CHANNEL, LocalWorker

        self._house.require_schema()
        self._house.publish_metrics()
        worker = LocalWorker(self._consumer, self._index, self._of)
        self._loops.add_waking("local-bus", worker.run_until, self._house.settings.database_url, CHANNEL)
        self._loops.start()

    def run_worker(self) -> None:
        """Consume from RabbitMQ until SIGTERM; returns then."""
        from boss_kit.events.nameko_worker import run_worker

        self._house.require_schema()
        self._house.publish_metrics()
        service, settings = self._house.service.name, self._house.settings
        try:
            run_worker(service, settings.amqp_url, self._consumer, self._index, self._of)
        finally:
            self._house.close()

    def stop(self) -> None:
        """Finish the batch in hand."""
        self._loops.stop()
        self._house.close()


class Running:
    """What goes on without being asked: outbox relay, schedule, tasks."""

    def __init__(
        self,
        house: House[Any],
        *,
        jobs: Sequence[Job] = (),
        processes: Mapping[str, Process] | None = None,
        enterprises: Enterprises | None = None,
    ) -> None:
        self._house = house
        self._jobs = (*jobs, CLEAN)
        self._processes = {CLEAN.task: clean(house.engine), **(processes or {})}
        self._enterprises: Enterprises = enterprises or (lambda _tx: ())
        self._loops = Loops(f"{house.service.name}-run")

    def start(self) -> None:
        """Begin, in threads."""
        from boss_kit.events import outbox
        from boss_kit.unit_of_work import TASK_CHANNEL

        house, settings = self._house, self._house.settings
        house.require_schema()
        house.publish_metrics()
        schedule = Schedule(house.units, self._jobs, self._enterprises, settings.time_zone)
        self._loops.add("schedule", schedule.run_until)
        relay = _relay(house)
        self._loops.add_waking("relay", relay.run_until, settings.database_url, outbox.CHANNEL, quiet_s=outbox.QUIET_S)
        for number in range(settings.runners):
            runner = self.runner()
            self._loops.add_waking(f"tasks-{number}", runner.run_until, settings.database_url, TASK_CHANNEL)
        self._loops.start()

    def runner(self) -> TaskRunner:
        """Make what does its tasks, one at a time."""
        return TaskRunner(self._house.engine, {name: _acting(process) for name, process in self._processes.items()})

    def stop(self) -> None:
        """Finish what is in hand."""
        self._loops.stop()
        self._house.close()


def _acting(process: Process) -> Process:
    """Let a process act for the one who asked for it: outgoing calls and logs carry on the story."""

    def run(task: Task) -> None:
        with acting(task.context):
            process(task)

    return run


def _relay(house: House[Any]) -> Any:
    from boss_kit.events.relay import Relay
    from boss_kit.events.topology import load_topology

    settings, service = house.settings, house.service.name
    topology = load_topology()
    if settings.consumers:
        try:
            topology = topology.only(settings.consumers)
        except LookupError as error:
            raise StartError(f"BOSS_CONSUMERS: {error}") from error
    if settings.amqp_url:
        from boss_kit.events.rabbit import RabbitPublisher

        return Relay(house.engine, service, RabbitPublisher(settings.amqp_url, topology, service))
    from boss_kit.events.local_bus import LocalBus

    databases: dict[str, sa.Engine] = {}
    for consumer in topology.subscribers(service):
        url = settings.local_bus_urls.get(consumer)
        if not url:
            raise StartError(
                "AMQP_URL is empty, so events go over the local bus, but BOSS_LOCAL_BUS_URLS has no "
                f"{consumer}=<database address>, yet {consumer} subscribes to {service}: set one or the other."
            )
        databases[consumer] = open_database(sqlalchemy_url(url), pool_size=1)
        house.closing.callback(databases[consumer].dispose)
    return Relay(house.engine, service, LocalBus(topology, databases))
