"""Caught mail: one file each, counted by Message-ID."""

import os
import re
import threading
from collections import Counter
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

NAME_LENGTH_MAX = 150
_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]+")
# The oldest policy reads headers as they are: a catcher takes the broken ones, too.
_HEADERS = BytesHeaderParser()


class MailFolder:
    """Keeps mails; a Message-ID that comes twice is kept twice, so that a test can see it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "emails"
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        for file in sorted(self.path.glob("*.eml")):
            with file.open("rb") as content:
                self._counts[_message_id(_HEADERS.parse(content))] += 1

    def keep(self, content: bytes) -> Path:
        """Write a mail; when this returns it is there, whole."""
        message = _HEADERS.parsebytes(content)
        message_id = _message_id(message)
        with self._lock:
            count = self._counts[message_id] + 1
            path = self.path / _file_name(_date(message), message_id, count)
            passing = path.with_suffix(f".{os.getpid()}.part")
            passing.write_bytes(content)
            passing.replace(path)
            self._counts[message_id] = count
        return path

    def count(self, message_id: str) -> int:
        """Tell how often a Message-ID came."""
        with self._lock:
            return self._counts[message_id]

    def counts(self) -> dict[str, int]:
        """Tell how often each Message-ID came."""
        with self._lock:
            return dict(self._counts)


def _message_id(message: Message) -> str:
    return str(message.get("Message-ID", "")).strip().strip("<>")


def _date(message: Message) -> str:
    try:
        return parsedate_to_datetime(str(message["Date"])).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return "undated"


def _file_name(date: str, message_id: str, count: int) -> str:
    safe = _UNSAFE.sub("_", message_id)[:NAME_LENGTH_MAX] or "no-id"
    return f"{date}-{safe}.eml" if count == 1 else f"{date}-{safe}.{count}.eml"
