"""The email itself: plain text and HTML of the same words.

It is put together by hand: the library's own message costs several milliseconds, and a page is hundreds.
"""

import binascii
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import cache, lru_cache
from importlib import resources

import jinja2

from boss_notifications.adapters.port import Message
from boss_notifications.contact_rules.contacts import is_email_address
from boss_notifications.intents.rules import Sender

UNSUBSCRIBE = "unsubscribe"
NAME_LENGTH_MAX = 80


class Email:
    """An email, ready to be handed over."""

    def __init__(self, message: Message, domain: str) -> None:
        sender = message.intent.sender
        self.from_address, self.reply_to = _addresses(sender, domain)
        self._message = message
        self._club = _one_line(sender.display_name) or "Your club"

    def to_bytes(self) -> bytes:
        """Write a notification as an email whose Message-ID is its own (SPEC NOT-5), with a way to opt out."""
        message, boundary = self._message, f"boss-{self._message.intent.id.hex}"
        headers = (
            ("Message-ID", f"<{message.message_id}>"),
            ("Date", format_datetime(message.time)),
            ("From", _address(self._club, self.from_address)),
            ("Reply-To", _address(self._club, self.reply_to)),
            ("To", _address(_one_line(message.intent.recipient_name), message.intent.contact_value)),
            ("Subject", Header(_one_line(message.subject), header_name="Subject").encode(linesep="\r\n")),
            ("Auto-Submitted", "auto-generated"),
            ("List-Unsubscribe", f"<mailto:{self.reply_to}?subject={UNSUBSCRIBE}>"),
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
        )
        head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")
        parts = (_part("plain", self._plain(), boundary), _part("html", self._html(), boundary))
        return b"".join((head, *parts, f"\r\n--{boundary}--\r\n".encode("ascii")))

    def _plain(self) -> str:
        return (
            f"{self._message.body.strip()}\n\n-- \n{self._club}\n"
            f'No more emails like this? Answer with "{UNSUBSCRIBE}" as the subject, '
            f"and {self._club} will stop sending them.\n"
        )

    def _html(self) -> str:
        sender, body = self._message.intent.sender, self._message.body
        return _page().render(
            subject=self._message.subject,
            club=self._club,
            monogram=self._club[:1].upper(),
            paragraphs=_paragraphs(body),
            address_lines=sender.return_address_lines,
            caller_number=sender.caller_number,
            reply_to=self.reply_to,
            unsubscribe=UNSUBSCRIBE,
        )


def _addresses(sender: Sender, domain: str) -> tuple[str, str]:
    """Give the from and reply-to addresses; ours where the unit has none that is one."""
    from_address = sender.from_address if is_email_address(sender.from_address) else f"no-reply@{domain}"
    reply_to = sender.reply_to_address if is_email_address(sender.reply_to_address) else from_address
    return from_address, reply_to


@lru_cache(maxsize=1024)
def _address(name: str, address: str) -> str:
    return formataddr((name[:NAME_LENGTH_MAX], address))


def _part(subtype: str, text: str, boundary: str) -> bytes:
    head = (
        f"\r\n--{boundary}\r\n"
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    lines = "\r\n".join(text.splitlines())
    return head.encode("ascii") + binascii.b2a_qp(lines.encode("utf-8"), istext=True)


def _paragraphs(body: str) -> list[list[str]]:
    """Split a text at its blank lines; a paragraph is a list of lines."""
    blocks = body.replace("\r\n", "\n").strip().split("\n\n")
    return [block.strip("\n").split("\n") for block in blocks if block.strip()]


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _page() -> jinja2.Template:
    text = resources.files("boss_notifications").joinpath("adapters/email.html").read_text("utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
