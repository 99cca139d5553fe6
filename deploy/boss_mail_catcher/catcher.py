"""The two doors of the mail catcher: SMTP in, HTTP for questions."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope, Session

from boss_mail_catcher.folder import MailFolder

LOCALHOST = "127.0.0.1"
SEARCH_PATH = "/api/v1/search"
START_S = 10.0
STOP_S = 10.0
_FIELD = "message-id:"


class MailCatcher:
    """Catches mail into `folder/emails`; port 0 takes a free one.

    `GET /api/v1/search?query=message-id:<id>` answers as Mailpit does: `{"messages_count": 1, ...}`.
    `on_mail` hears of each mail when it is kept and its sender doesn't know yet.
    """

    def __init__(
        self,
        folder: Path,
        host: str = LOCALHOST,
        smtp_port: int = 0,
        http_port: int = 0,
        on_mail: Callable[[Path], object] | None = None,
    ) -> None:
        self.mails = MailFolder(folder)
        self._smtp = _SmtpDoor(_Handler(self.mails, on_mail), host, smtp_port)
        self._http = _HttpDoor((host, http_port), self.mails)
        self._http_thread = threading.Thread(target=self._http.serve_forever, name="mail-questions", daemon=True)
        self.smtp_address = f"{host}:{self._smtp.port}"
        self.query_url = f"http://{host}:{self._http.server_address[1]}{SEARCH_PATH}?query={_FIELD}{{message_id}}"

    def start(self) -> None:
        """Catch mail."""
        self._http_thread.start()
        self._smtp.start()

    def stop(self) -> None:
        """Catch no more."""
        self._smtp.stop()
        if self._http_thread.is_alive():
            self._http.shutdown()
            self._http_thread.join(STOP_S)
        self._http.server_close()


class _Handler:
    """What aiosmtpd calls for each mail."""

    def __init__(self, mails: MailFolder, on_mail: Callable[[Path], object] | None) -> None:
        self._mails = mails
        self._on_mail = on_mail

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        assert isinstance(content, bytes), "decode_data is off"
        path = self._mails.keep(content)
        if self._on_mail is not None:
            self._on_mail(path)
        return "250 kept"


class _SmtpDoor:
    """aiosmtpd on a loop of its own."""

    def __init__(self, handler: _Handler, host: str, port: int) -> None:
        self._socket = socket.create_server((host, port), backlog=100)
        # Connections inherit it; without, the second line of an answer waits 40 ms for the first one's acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port: int = self._socket.getsockname()[1]
        self._handler = handler
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mail-catcher", daemon=True)
        self._ready = threading.Event()
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(START_S)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_S)
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(self._loop.create_server(self._protocol, sock=self._socket))
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            self._server.close()
            waiting = asyncio.all_tasks(self._loop)
            for task in waiting:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
            self._loop.close()

    def _protocol(self) -> SMTP:
        return SMTP(self._handler, loop=self._loop, hostname="mail-catcher", enable_SMTPUTF8=True)


class _HttpDoor(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], mails: MailFolder) -> None:
        self.mails = mails
        super().__init__(address, _Questions)


class _Questions(BaseHTTPRequestHandler):
    server: _HttpDoor

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query).get("query", [""])[0]
        if parts.path == "/healthz":
            self._answer(200, {"healthy": True})
        elif parts.path != SEARCH_PATH or not query.startswith(_FIELD):
            self._answer(404, {"error": f"ask {SEARCH_PATH}?query={_FIELD}<id>"})
        else:
            message_id = query.removeprefix(_FIELD).strip('"<> ')
            self._answer(200, {"messages_count": self.server.mails.count(message_id), "message_id": message_id})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing: questions are many."""

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
