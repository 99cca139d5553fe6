"""Email by SMTP (SPEC NOT-2): queryable where the server's inbox can be asked by Message-ID, neither elsewhere."""

import json
import smtplib
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from boss_kit.errors import Transient
from boss_notifications.adapters.email_message import Email
from boss_notifications.adapters.port import Certainty, Delivery, Fate, Message
from boss_notifications.templates.rules import EMAIL

TIMEOUT_S = 5.0
BATCH_QUERYABLE = 50
# Where nobody can be asked afterwards, at most this many may be in doubt after a crash.
BATCH_NEITHER = 1
_OK = range(200, 300)
_FOR_GOOD = range(500, 600)
# Enhanced status 5.1.x is about the address (RFC 3463).
_BAD_ADDRESS = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


@dataclass(frozen=True)
class SmtpServer:
    """Where and how: `security` is `none`, `starttls` or `tls`; `query_url` holds `{message_id}`."""

    host: str
    port: int
    security: str = "none"
    user: str = ""
    password: str = ""
    query_url: str = ""
    domain: str = "boss.example.com"


class SmtpProvider:
    """Hands emails to a mail server."""

    name = "smtp"
    channel = EMAIL

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self.certainty = Certainty.QUERYABLE if server.query_url else Certainty.NEITHER
        self.batch_size = BATCH_QUERYABLE if server.query_url else BATCH_NEITHER

    def message_id(self, intent_id: UUID) -> str:
        """Name the message by its notification: its Message-ID without brackets."""
        return f"{intent_id}@{self._server.domain}"

    @contextmanager
    def open(self) -> "Iterator[SmtpSession]":
        """Connect. Raises Transient when the server is away or doesn't let us in."""
        session = SmtpSession(self._server)
        session.connect()
        try:
            yield session
        finally:
            session.close()


class SmtpSession:
    """One connection, renewed when the server drops it."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def connect(self) -> None:
        """Open the connection, if there is none. Raises Transient."""
        if self._smtp is not None:
            return
        try:
            self._smtp = _connect(self._server)
        except (OSError, smtplib.SMTPException) as error:
            where = f"{self._server.host}:{self._server.port}"
            raise Transient("SMTP_UNAVAILABLE", f"The mail server {where} can't be used now: {error}") from error

    def close(self) -> None:
        """Say goodbye."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                smtp.close()

    def send(self, messages: Iterable[Message]) -> Iterator[Delivery]:
        """Send each message once."""
        for message in messages:
            email = Email(message, self._server.domain)
            try:
                self.connect()
            except Transient as error:
                yield Delivery(message.intent.id, Fate.NOT_TAKEN, reason=error.message)
                continue
            yield self._send_one(message, email)

    def was_taken(self, message_id: str) -> bool | None:
        """Ask by Message-ID. Raises Transient when the question isn't answered."""
        if not self._server.query_url:
            return None
        url = self._server.query_url.replace("{message_id}", urllib.parse.quote(message_id, safe=""))
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the operator's own setting
                return int(json.load(answer)["messages_count"]) > 0
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Transient(
                "SMTP_QUERY_UNAVAILABLE", f"Nobody can say whether {message_id} was sent: {error}"
            ) from error

    def _send_one(self, message: Message, email: Email) -> Delivery:
        smtp, intent_id = self._smtp, message.intent.id
        assert smtp is not None, "connect first"
        try:
            code, text = smtp.mail(email.from_address)
            if code not in _OK:
                # A sender the server doesn't want is our own configuration, not the member's address.
                smtp.rset()
                return Delivery(intent_id, Fate.DEFERRED, reason=f"the sender was refused: {_words(code, text)}")
            code, text = smtp.rcpt(message.intent.contact_value)
            if code not in _OK:
                smtp.rset()
                return _refused(intent_id, code, text)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Delivery(intent_id, Fate.NOT_TAKEN, reason=f"the line broke before the message: {error}")
        try:
            code, text = smtp.data(email.to_bytes())
        except smtplib.SMTPDataError as error:
            return _refused(intent_id, error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Delivery(intent_id, Fate.IN_DOUBT, reason=f"the line broke during the message: {error}")
        return Delivery(intent_id, Fate.TAKEN) if code in _OK else _refused(intent_id, code, text)

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _connect(server: SmtpServer) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if server.security == "tls":
        smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
    else:
        smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        if server.security == "starttls":
            smtp.starttls(context=ssl.create_default_context())
        smtp.ehlo_or_helo_if_needed()
        if server.user:
            smtp.login(server.user, server.password)
    except (OSError, smtplib.SMTPException):
        smtp.close()
        raise
    return smtp


def _refused(intent_id: UUID, code: int, text: bytes | str) -> Delivery:
    reason = f"the mail server said {_words(code, text)}"
    if code not in _FOR_GOOD:
        return Delivery(intent_id, Fate.DEFERRED, reason=reason)
    if any(status in reason for status in _BAD_ADDRESS):
        return Delivery(intent_id, Fate.REFUSED, "Dropped", "Invalid", reason)
    return Delivery(intent_id, Fate.REFUSED, "Bounce", "", reason)


def _words(code: int, text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {plain}"[:300]
