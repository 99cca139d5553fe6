"""Small servers that stand in for the services, so that the client is tested for its own part."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID

import grpc
from boss.agreements.v1 import member_service_pb2, member_service_pb2_grpc
from boss.billing.v1 import account_service_pb2, account_service_pb2_grpc
from typer.testing import CliRunner, Result

from boss_cli.app import app
from boss_cli.clients import SERVICES, Clients

ENTERPRISE = UUID("11111111-0000-4000-8000-000000000001")
ACCOUNT = f"enterprises/{ENTERPRISE}/businessUnits/{UUID(int=2)}/accounts/{UUID(int=3)}"
IMPORTED, ALREADY_THERE, REJECTED = 1, 2, 3


class Importer:
    """Takes records; refuses those it is told to, and remembers the others."""

    def __init__(self, response: type, refuses: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.refuses = dict(refuses or {})
        self.taken: dict[str, Any] = {}
        self.messages: list[Any] = []
        self.breaks_at: set[int] = set()
        self._response = response

    def answer(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Answer each message with one result per record; break the stream at the messages of `breaks_at`."""
        for request in requests:
            self.messages.append(request)
            if len(self.messages) in self.breaks_at:
                if not request.validate_only:
                    self._results(request)
                context.abort(grpc.StatusCode.UNAVAILABLE, "the server was killed")
            yield self._response(results=self._results(request))

    def _results(self, request: Any) -> list[dict[str, Any]]:
        return [self._result(record, validate_only=request.validate_only) for record in request.records]

    def _result(self, record: Any, *, validate_only: bool) -> dict[str, Any]:
        result = {"record": record.record, "external_id": record.external_id, "outcome": IMPORTED}
        if record.external_id in self.refuses:
            field, reason = self.refuses[record.external_id]
            return {**result, "outcome": REJECTED, "field": field, "reason": reason}
        if record.external_id in self.taken:
            return {**result, "outcome": ALREADY_THERE}
        if not validate_only:
            self.taken[record.external_id] = record
        return result


class Members(Importer, member_service_pb2_grpc.MemberServiceServicer):
    """Stands in for agreements."""

    def __init__(self) -> None:
        super().__init__(member_service_pb2.ImportMembersResponse)

    def ImportMembers(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Answer an import."""
        return self.answer(requests, context)


class Accounts(Importer, account_service_pb2_grpc.AccountServiceServicer):
    """Stands in for billing."""

    def __init__(self) -> None:
        super().__init__(account_service_pb2.ImportAccountsResponse)

    def ImportAccounts(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Answer an import."""
        return self.answer(requests, context)


@contextmanager
def serving(*add: Callable[[grpc.Server], None], address: str = "127.0.0.1:0") -> Iterator[str]:
    """Run a server and give its address."""
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    for one in add:
        one(server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


NOBODY = "127.0.0.1:9"
"""The discard port, where nobody listens."""


@contextmanager
def connected(addresses: Mapping[str, str], **options: Any) -> Iterator[Clients]:
    """Give clients for the addresses; the other services are down."""
    all_addresses = {service: addresses.get(service, NOBODY) for service in SERVICES}
    with Clients(all_addresses, lambda service: f"token-for-{service}", **options) as clients:
        yield clients


def stand_in(module: ModuleType, name: str, **answers: Callable[[Any], Any]) -> Callable[[grpc.Server], None]:
    """Make a servicer of a generated module whose methods answer with functions of the request."""

    def method(answer: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda _self, request, _context: answer(request)

    base = getattr(module, f"{name}Servicer")
    servicer = type(name, (base,), {called: method(answer) for called, answer in answers.items()})()
    return partial(getattr(module, f"add_{name}Servicer_to_server"), servicer)


class Cli:
    """`boss` with its environment."""

    def __init__(self, serving: Callable[..., Any], environ: dict[str, str]) -> None:
        self._serving = serving
        self.environ = environ

    def add(self, service: str, *servicers: Callable[[grpc.Server], None]) -> None:
        """Let a service answer."""
        running = self._serving(service, servicers)
        self.environ[f"BOSS_{service.upper()}_ADDRESS"] = running.address

    def run(self, *arguments: str, answers: str | None = None) -> Result:
        """Type a command."""
        return CliRunner().invoke(app, list(arguments), env=self.environ, input=answers)
