"""Who waits for a database's work to be done learns here when a loop of this process has run out of it."""

import threading
from collections import Counter

import sqlalchemy as sa

_told = threading.Condition()
_rests: Counter[str] = Counter()


def tell(url: str) -> None:
    """Say that a loop has nothing left to do on a database."""
    with _told:
        _rests[url] += 1
        _told.notify_all()


def count(url: str) -> int:
    """Count how often that was said; 0 where no loop of this process works on the database."""
    with _told:
        return _rests[url]


def wait(url: str, since: int, timeout_s: float) -> None:
    """Return when it was said more often than `since`, or after the timeout."""
    with _told:
        _told.wait_for(lambda: _rests[url] > since, timeout_s)


def plain_url(url: str | sa.URL) -> str:
    """Give the libpq address that stands for a database here, however it was written."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
