"""What processors send: a billed payment's result, as a signed webhook or a call."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from club import ENTERPRISE_ID, Club, due
from prometheus_client import REGISTRY
from standardwebhooks.webhooks import Webhook as Signature

from boss_billing.callbacks.webhook import PATH, processor_webhook
from boss_billing.payments.rules import Label
from boss_kit.web import WebServer, make_app

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PARENT = f"enterprises/{ENTERPRISE_ID}"


def billed(club: Club, *numbers: str) -> list[Any]:
    """Bill accounts and give their outstanding results."""
    for number in numbers:
        club.add_account(number)
    club.due.charges = [due(number) for number in numbers]
    club.bill()
    return list(club.wire.inner.outstanding_results(ENTERPRISE_ID, Label.ORIGINAL, 1000))


def result_body(found: Any, **changes: Any) -> bytes:
    """Give a webhook's body with one result."""
    result = {"resultId": f"r-{found.attempt_id}", "attemptId": str(found.attempt_id), "code": "A01"} | changes
    return body("payment.results", results=[result])


def body(kind: str, **data: Any) -> bytes:
    """Give a webhook's body."""
    return json.dumps({"type": kind, "data": {"parent": PARENT, **data}}).encode()


def headers(content: bytes, message_id: str = "m1", secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    """Sign a body as a processor does."""
    at = at or datetime.now(UTC)
    signature = Signature(secret).sign(message_id, at, content.decode(errors="replace"))
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


class Hook:
    """The HTTP door of a running billing."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}{PATH}"

    def post(self, content: bytes, **signed: Any) -> httpx.Response:
        """Send a body, signed."""
        return self.send(content, headers(content, **signed))

    def send(self, content: bytes, sent_headers: dict[str, Any]) -> httpx.Response:
        """Send a body with headers as they are."""
        return httpx.post(self._url, content=content, headers=sent_headers)


@contextmanager
def open_hook(club: Club) -> Iterator[Hook]:
    """Open the HTTP door."""
    server = WebServer(make_app(club.units, [processor_webhook([SECRET])]), "127.0.0.1:0")
    server.start()
    try:
        yield Hook(server.port)
    finally:
        server.stop()


def refused(why: str) -> float:
    """Tell how many webhooks were refused so far."""
    return REGISTRY.get_sample_value("boss_webhooks_refused_total", {"route": PATH, "why": why}) or 0.0
