"""How events are kept in a table until they are delivered: many of them are a tenth as long as they were."""

import zstandard

COMPRESS_FROM_BYTES = 8_000
"""Shorter ones fit into a page of the table."""
_LEVEL = 1


def pack(body: bytes) -> bytes:
    """Compress events that are on their way into a table."""
    return body if len(body) < COMPRESS_FROM_BYTES else zstandard.compress(body, _LEVEL)


def unpack(body: bytes) -> bytes:
    """Give events as they were before `pack`."""
    # Protobuf begins with the tag of the first field that is there: an event's id, a batch's first event or producer.
    return zstandard.decompress(body) if body.startswith(zstandard.FRAME_HEADER) else body
