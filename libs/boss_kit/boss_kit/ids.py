"""Identifiers: UUIDv7 for new things, UUIDv5 for things named by somebody else's key."""

import uuid

import uuid_utils

PARTITIONS = 8
"""How many partitions an installation's events have (DESIGN 3); fixed for its life."""


def new_id() -> uuid.UUID:
    """Make a UUIDv7, which sorts by the time it was made."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def derived_id(namespace: uuid.UUID, *parts: str) -> uuid.UUID:
    """Make the UUIDv5 of `parts` in `namespace`: the same input is the same id, on every machine."""
    # The same as the standard library's, at half the time: an import derives a dozen of them for each record.
    return uuid.UUID(int=uuid_utils.uuid5(uuid_utils.UUID(int=namespace.int), "/".join(parts)).int)


def partition_of(key: uuid.UUID) -> int:
    """Tell the partition of an ordering key: the last byte, because `hash()` is salted per process."""
    return key.bytes[15] & (PARTITIONS - 1)
