"""Pages (AIP-158): opaque tokens that carry where the page before ended and which list it was of."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from boss_kit.errors import InvalidArgument

SIZE_DEFAULT = 100
SIZE_MAX = 1000
TOKEN_LENGTH_MAX = 2000
_MARK_LENGTH = 12

Row = TypeVar("Row")
KeyPart = str | int | bool | None
Key = Sequence[KeyPart | UUID | date | datetime]


@dataclass(frozen=True)
class Page:
    """One page that was asked for: `size` rows at most, those after the key `after`."""

    size: int
    after: tuple[KeyPart, ...] | None
    _mark: str

    @property
    def limit(self) -> int:
        """Tell how many rows to select: one more than the page has, to learn whether there is a next one."""
        return self.size + 1

    def key(self, *kinds: Callable[[Any], Any]) -> tuple[Any, ...] | None:
        """Read `after` as what `cut` was given, such as `page.key(date.fromisoformat, UUID)`; None on the first page.

        Raises InvalidArgument for a token that somebody made up.
        """
        if self.after is None:
            return None
        try:
            if len(kinds) != len(self.after) or None in self.after:
                raise ValueError("another key")
            return tuple(kind(part) for kind, part in zip(kinds, self.after, strict=True))
        except (ValueError, TypeError, AttributeError):
            raise _no_token() from None

    def token(self, key: Key) -> str:
        """Make the token of the page after a key, where the page was cut some other way."""
        return _write(self._mark, key)

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Key]) -> tuple[Sequence[Row], str]:
        """Give the page's rows and the next page's token, empty on the last page."""
        if len(rows) <= self.size:
            return rows, ""
        kept = rows[: self.size]
        return kept, _write(self._mark, key(kept[-1]))


def open_page(
    page_size: int,
    page_token: str,
    *,
    filters: Sequence[object] = (),
    size_default: int = SIZE_DEFAULT,
    size_max: int = SIZE_MAX,
) -> Page:
    """Read what a request asks for; `filters` is everything of it that chooses or orders rows.

    Raises InvalidArgument for a negative size, a token that isn't one, and a token of another list.
    """
    if page_size < 0:
        raise InvalidArgument.field("page_size", "must not be negative; 0 takes the default.")
    mark = hashlib.sha256(json.dumps([str(part) for part in filters]).encode()).hexdigest()[:_MARK_LENGTH]
    size = min(page_size or size_default, size_max)
    return Page(size, _read(mark, page_token) if page_token else None, mark)


def _no_token() -> InvalidArgument:
    return InvalidArgument.field("page_token", "isn't a token of this list; take `next_page_token` as it came.")


def _write(mark: str, key: Key) -> str:
    parts = [part if isinstance(part, str | int | None) else _text(part) for part in key]
    text = json.dumps([mark, *parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _text(part: UUID | date | datetime) -> str:
    return str(part) if isinstance(part, UUID) else part.isoformat()


def _read(mark: str, token: str) -> tuple[KeyPart, ...]:
    try:
        if len(token) > TOKEN_LENGTH_MAX:
            raise ValueError("too long")
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        found, *key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not all(isinstance(part, str | int | None) for part in key):
            raise ValueError("not a key")
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _no_token() from None
    if found != mark:
        raise InvalidArgument.field("page_token", "belongs to a list with other filters; start again without a token.")
    return tuple(key)
