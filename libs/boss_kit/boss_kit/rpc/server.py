"""The gRPC server of a service: stages, health, reflection, a graceful end."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from boss_kit.rpc.auth import Verifier
from boss_kit.rpc.methods import read_methods
from boss_kit.rpc.pipeline import Pipeline, Stage
from boss_kit.rpc.stages.content import CardStage, ValidationStage
from boss_kit.rpc.stages.counts import CountStage
from boss_kit.rpc.stages.errors import Errors
from boss_kit.rpc.stages.identity import AuthenticationStage, AuthorizationStage
from boss_kit.rpc.stages.limits import LimitStage
from boss_kit.rpc.stages.story import StoryStage
from boss_kit.settings import StartError

# Most of them wait: for the database, or for a commit that calls share.
THREADS = 40
CALLS_MAX = 256
GRACE_S = 10
MESSAGE_BYTES_MAX = 16 * 1024 * 1024
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_OPTIONS = [
    # Two servers on one port would share its calls silently; the second one must fail to start instead.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
]

AddServicer = Callable[[grpc.Server], None]


@dataclass(frozen=True)
class Certificates:
    """Files for mutual TLS."""

    certificate: Path
    private_key: Path
    client_authority: Path

    def server_credentials(self) -> grpc.ServerCredentials:
        """Read them for a server that asks its callers for a certificate."""
        pair = (self.private_key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_credentials([pair], self.client_authority.read_bytes(), require_client_auth=True)

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Read them for a caller that shows its own certificate."""
        return grpc.ssl_channel_credentials(
            self.client_authority.read_bytes(), self.private_key.read_bytes(), self.certificate.read_bytes()
        )


class Server:
    """A started server."""

    def __init__(self, server: grpc.Server, checks: health.HealthServicer, names: Sequence[str], port: int) -> None:
        self._server = server
        self._checks = checks
        self._names = names
        self.port = port
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()
        for name in ("", *self._names):
            self._checks.set(name, _SERVING)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Take no new calls, finish those that run, then end."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._checks.enter_graceful_shutdown()
        self._server.stop(grace_s).wait()


def build_server(
    service: str,
    address: str,
    verifier: Verifier,
    servicers: Sequence[AddServicer],
    *,
    reflected: bool = True,
    certificates: Certificates | None = None,
    threads: int = THREADS,
) -> Server:
    """Put a server together; port 0 takes a free port, which the result names.

    `servicers` are functions that add a servicer to a server. Raises LookupError when a method has no permission,
    StartError when the address is taken.
    """
    pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=f"{service}-serve")
    server = grpc.server(pool, options=_OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
    guarded: Any = _Guarded(server, Pipeline(stages(verifier), Errors(service)))
    for add in servicers:
        add(guarded)
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if reflected:
        reflection.enable_server_reflection([*guarded.names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    for name in ("", *guarded.names):
        checks.set(name, _NOT_SERVING)
    return Server(server, checks, guarded.names, _bind(server, address, certificates))


def stages(verifier: Verifier) -> list[Stage]:
    """List what surrounds a call, outermost first."""
    return [
        StoryStage(),
        CountStage(),
        AuthenticationStage(verifier),
        AuthorizationStage(),
        LimitStage(),
        CardStage(),
        ValidationStage(),
    ]


class _Guarded:
    """Stands before a server while servicers are added: their calls go through the pipeline."""

    def __init__(self, server: grpc.Server, pipeline: Pipeline) -> None:
        self._server = server
        self._pipeline = pipeline
        self.names: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """Take no notice: the generated code adds the same handlers once more, with their names."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        methods = {method.path.rpartition("/")[2]: method for method in read_methods([service]).values()}
        wrapped = self._pipeline.wrap(handlers, methods)
        self.names.append(service)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, wrapped),))
        self._server.add_registered_method_handlers(service, wrapped)  # type: ignore[attr-defined]


def _bind(server: grpc.Server, address: str, certificates: Certificates | None) -> int:
    try:
        if certificates is not None:
            port = server.add_secure_port(address, certificates.server_credentials())
        else:
            port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise _cant_listen(address) from error
    if port == 0 and not address.startswith("unix:"):
        raise _cant_listen(address)
    return int(port)


def _cant_listen(address: str) -> StartError:
    return StartError(
        f"BOSS_GRPC_ADDRESS: can't listen on {address}: another process is there, or it isn't this machine's."
    )
