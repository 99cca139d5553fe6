"""Waiting for what happens elsewhere."""

import time
from collections.abc import Callable

PAUSE_S = 0.05
WAIT_S = 30.0


def eventually(check: Callable[[], object], timeout_s: float = WAIT_S) -> bool:
    """Ask again and again until the answer is yes; tell whether it was in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(PAUSE_S)
    return False
