"""Webhooks: Standard Webhooks signatures over the raw body, a small window, one effect per id."""

import asyncio
import contextlib
import hashlib
import logging
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import sqlalchemy as sa
import uvicorn
from sqlalchemy.dialects.postgresql import insert
from standardwebhooks.webhooks import Webhook as Signature
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boss_kit import metrics
from boss_kit.context import Actor, Context
from boss_kit.errors import AlreadyExists, BossError
from boss_kit.ids import new_id
from boss_kit.rpc.database_errors import translate
from boss_kit.schema import request as request_table
from boss_kit.settings import StartError
from boss_kit.unit_of_work import Transaction, UnitOfWork

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 64 * 1024
ID_LENGTH_MAX = 256
START_S = 10.0
STOP_S = 10.0
NO_ENTERPRISE = UUID(int=0)
_NAMESPACE = UUID("6f1b51d6-9a5c-5c0a-8d57-0b0e0f0b0a55")
_HTTP_STATUS = {
    "UNAVAILABLE": 503,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "INTERNAL": 500,
    "UNKNOWN": 500,
}

Take = Callable[[Transaction, bytes], None]
Then = Callable[[UnitOfWork, Context, bytes], None]


@dataclass(frozen=True)
class Webhook:
    """A route: whose signatures it takes, and what to do with a body in the transaction of its id.

    Several secrets are for rotation. `take` raises a BossError for a body it can't use. `then` goes on with what was
    taken, after the commit: the sender has done its part, so what fails there is logged and left to a janitor.
    """

    path: str
    secrets: Sequence[str]
    take: Take
    body_bytes_max: int = BODY_BYTES_MAX
    then: Then | None = None


class WebServer:
    """uvicorn in a thread. Raises StartError when the address is taken."""

    def __init__(self, app: Starlette, address: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_server((host, int(port)))
        except OSError as error:
            raise StartError(f"BOSS_HTTP_ADDRESS: can't listen on {address}: {error.strerror}.") from error
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests in hand."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def make_app(units: UnitOfWork, webhooks: Sequence[Webhook]) -> Starlette:
    """Make the application that takes the webhooks."""
    routes = [Route(webhook.path, _endpoint(units, webhook), methods=["POST"]) for webhook in webhooks]
    return Starlette(routes=[*routes, Route("/healthz", _healthy, methods=["GET"])])


async def _healthy(_request: Request) -> Response:
    return Response("ok\n")


def _endpoint(units: UnitOfWork, webhook: Webhook) -> Callable[[Request], object]:
    signatures = [Signature(secret) for secret in webhook.secrets]

    async def answer(request: Request) -> Response:
        try:
            body = await _read(request, webhook.body_bytes_max)
        except ClientDisconnect:
            return _refuse(webhook, 400, "body-incomplete")
        if body is None:
            return _refuse(webhook, 413, "body-too-long")
        webhook_id = request.headers.get("webhook-id", "")
        if len(webhook_id) > ID_LENGTH_MAX or not _is_signed(signatures, body, dict(request.headers)):
            return _refuse(webhook, 401, "signature")
        return await run_in_threadpool(_take, units, webhook, webhook_id, body)

    return answer


async def _read(request: Request, bytes_max: int) -> bytes | None:
    body = bytearray()
    stream: AsyncIterator[bytes] = request.stream()
    async with contextlib.aclosing(stream) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            body += chunk
            if len(body) > bytes_max:
                return None
    return bytes(body)


def _is_signed(signatures: Sequence[Signature], body: bytes, headers: dict[str, str]) -> bool:
    for signature in signatures:
        # The library answers broken headers and bodies with plain ValueErrors, too.
        with contextlib.suppress(WebhookVerificationError, ValueError, OverflowError):
            signature.verify(body, headers, json_parse=False)
            return True
    return False


def _take(units: UnitOfWork, webhook: Webhook, webhook_id: str, body: bytes) -> Response:
    try:
        first = take_once(units, webhook, webhook_id, body)
    except Exception as error:
        known = error if isinstance(error, BossError) else translate(error)
        if known is None:
            log.exception("a webhook failed", extra={"route": webhook.path})
            return _refuse(webhook, 500, "failed")
        return _refuse(webhook, _HTTP_STATUS.get(known.code, 400), known.reason.lower(), known.message)
    if first:
        metrics.WEBHOOKS_TAKEN.labels(webhook.path).inc()
    else:
        metrics.WEBHOOKS_REFUSED.labels(webhook.path, "replayed").inc()
    return JSONResponse({"repeated": not first})


def take_once(units: UnitOfWork, webhook: Webhook, webhook_id: str, body: bytes) -> bool:
    """Run the webhook's functions once per id; tell whether this was the first time.

    Raises AlreadyExists for an id that came before with another body.
    """
    context = Context(actor=Actor(user=f"webhook:{webhook.path}"), correlation=str(new_id()), causation=webhook_id)
    key = {
        "enterprise_id": NO_ENTERPRISE,
        "method": f"webhook:{webhook.path}",
        "request_id": uuid5(_NAMESPACE, webhook_id),
    }
    body_hash = hashlib.sha256(body).digest()
    with units.begin(context) as tx:
        row = {**key, "request_hash": body_hash, "response": b""}
        write = insert(request_table).values(row).on_conflict_do_nothing().returning(sa.literal(1))
        if tx.connection.scalar(write) is None:
            _check_same(tx, key, body_hash)
            return False
        webhook.take(tx, body)
    if webhook.then is not None:
        try:
            webhook.then(units, context, body)
        except Exception:
            log.exception("a webhook was taken, but not gone on with", extra={"route": webhook.path})
    return True


def _check_same(tx: Transaction, key: dict[str, object], body_hash: bytes) -> None:
    mine = (request_table.c[column] == value for column, value in key.items())
    kept = tx.connection.scalar(sa.select(request_table.c.request_hash).where(*mine))
    if kept is not None and bytes(kept) != body_hash:
        raise AlreadyExists("WEBHOOK_ID_REUSED", "This webhook id came before, with another body.")


def _refuse(webhook: Webhook, status: int, why: str, message: str = "") -> Response:
    metrics.WEBHOOKS_REFUSED.labels(webhook.path, why).inc()
    return JSONResponse({"error": why, "message": message}, status_code=status)
