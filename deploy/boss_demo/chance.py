"""Chance that everybody agrees on: the same seed and the same words give the same number (DESIGN 5)."""

import hashlib
import uuid

_SPAN = 2**64
_NAMESPACE = uuid.UUID("6f1b9f4e-2a55-5b0f-9f2e-3d1f6c1f7a11")


def happens(probability_percent: int, seed: int, *words: object) -> bool:
    """Tell whether something of that probability happens; it depends on nothing but the arguments."""
    text = "/".join([str(seed), *map(str, words)])
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return drawn * 100 < probability_percent * _SPAN


def request_id(*words: object) -> str:
    """Give the request id of a step, so that a step tried again is the same request."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, words))))
