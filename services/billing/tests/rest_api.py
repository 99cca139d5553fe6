"""A local HTTP server that behaves like today's payment processors: keys are remembered, and it can be made to fail."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

API_KEY = "sk_test_1"


class Api(ThreadingHTTPServer):
    """Charges each key once; `faults` are played one by one, one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.payments: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.charges: Counter[str] = Counter()
        self.refunds: dict[str, dict[str, Any]] = {}
        self.updates: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.codes: dict[str, tuple[str, str]] = {}
        self.faults: list[str] = []
        self.odd: dict[str, dict[str, Any]] = {}
        self.listed: Any = None
        self.release = threading.Event()

    @property
    def url(self) -> str:
        """Tell where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def give_back(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Refund once per key; the same key gives the same answer."""
        with self.lock:
            status, code = self.codes.get(body["token"], ("succeeded", "approved_credit"))
            if status == "invalid":
                return 422, {"error": {"message": "No such token."}}
            if key not in self.answers:
                self.charges[f"refund {key}"] += 1
                refund = {name: body[name] for name in ("reference", "amount", "currency")}
                refund |= {"id": f"ref_{len(self.refunds)}", "status": status, "code": code, "message": code.title()}
                self.refunds[body["reference"]] = refund
                self.answers[key] = (402 if status == "declined" else 201, dict(refund))
            return self.answers[key]

    def charge(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Charge once per key; the same key gives the same answer."""
        with self.lock:
            if key not in self.answers:
                status, code = self.codes.get(body["token"], ("succeeded", "approved"))
                if status == "invalid":
                    return 422, {"error": {"message": "No such token."}}
                self.charges[body["reference"]] += 1
                payment = {name: body[name] for name in ("reference", "batch", "amount", "currency")}
                payment |= {"id": f"pay_{len(self.payments)}", "status": status, "code": code, "message": code.title()}
                payment |= self.odd.get(body["token"], {})
                self.payments[body["reference"]] = payment
                self.answers[key] = (402 if status == "declined" else 201, payment)
            return self.answers[key]


class _Handler(BaseHTTPRequestHandler):
    server: Api
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self._fault()
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            self._send(401, {"error": {"message": "Unknown key."}})
        elif fault == "500":
            self._send(500, {})
        elif fault == "429":
            self._send(429, {}, {"Retry-After": "0"})
        elif self.path == "/v1/account_updates":
            self.server.updates.append(body)
            self._send(202, {})
        else:
            act = self.server.give_back if self.path == "/v1/refunds" else self.server.charge
            answer = act(self.headers["Idempotency-Key"], body)
            if fault == "charge then hang":
                self.server.release.wait(10)
                self.close_connection = True
            elif fault == "charge then 500":
                self._send(500, {})
            elif fault == "charge then garbage":
                self._send(201, ["?"])
            elif fault == "charge then 404":
                self._send(404, {"error": {"message": "Not found."}})
            elif fault == "charge then 302":
                self._send(302, {}, {"Location": "https://login.example.com"})
            else:
                self._send(*answer)

    def do_GET(self) -> None:
        self._fault()
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        query.pop("limit", None)
        with self.server.lock:
            found = [
                one
                for one in (self.server.refunds if "/v1/refunds" in self.path else self.server.payments).values()
                if all(str(one[name]) == value for name, value in query.items())
            ]
        self._send(200, {"data": self.server.listed or found[:1]})

    def _fault(self) -> str:
        with self.server.lock:
            self.server.requests.append(f"{self.command} {urlsplit(self.path).path}")
            return self.server.faults.pop(0) if self.server.faults else ""

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running_api() -> Iterator[Api]:
    """Lend a running server."""
    api = Api()
    thread = threading.Thread(target=api.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.release.set()
        api.shutdown()
        api.server_close()
        thread.join(10)
