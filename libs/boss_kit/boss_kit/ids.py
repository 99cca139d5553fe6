"""Identifiers: UUIDv7 for new things, UUIDv5 for things named by somebody else's key."""

import uuid
from functools import lru_cache

import uuid_utils

_NOT_KNOWN_SAFE = uuid.SafeUUID.unknown
PARTITIONS = 8
"""How many partitions an installation's events have (DESIGN 3); fixed for its life."""


def new_id() -> uuid.UUID:
    """Make a UUIDv7, which sorts by the time it was made."""
    return _made_of(uuid_utils.uuid7().int)


def new_id_text() -> str:
    """Make a UUIDv7 that is only ever written down."""
    return str(uuid_utils.uuid7())


@lru_cache(maxsize=2**15)
def text_of(one: uuid.UUID) -> str:
    """Write an id down; a page of events names the same ones again and again."""
    # The same text as the standard library's, in half the time.
    return str(uuid_utils.UUID(int=one.int))


def id_of(text: str) -> uuid.UUID:
    """Read an id, as the standard library does, in half the time: a page of a bulk path has thousands.

    Raises ValueError for what isn't one.
    """
    return _made_of(uuid_utils.UUID(text).int)


def derived_id(namespace: uuid.UUID, *parts: str) -> uuid.UUID:
    """Make the UUIDv5 of `parts` in `namespace`: the same input is the same id, on every machine."""
    # The same as the standard library's, at half the time: an import derives a dozen of them for each record.
    return _made_of(uuid_utils.uuid5(uuid_utils.UUID(int=namespace.int), "/".join(parts)).int)


def partition_of(key: uuid.UUID) -> int:
    """Tell the partition of an ordering key: the last byte, because `hash()` is salted per process."""
    return key.int & (PARTITIONS - 1)


def _made_of(number: int) -> uuid.UUID:
    # What the constructor does, without asking whether it is a UUID's number: in half the time.
    made = object.__new__(uuid.UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", _NOT_KNOWN_SAFE)
    return made
