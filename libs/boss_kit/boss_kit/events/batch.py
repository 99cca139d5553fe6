"""A broker message: at most 500 events and 1 MB of one producer and one partition, in order (DESIGN 3)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from boss.events.v1 import event_pb2

EVENTS_MAX = 500
BYTES_MAX = 1_000_000
CONTENT_TYPE = "application/vnd.boss.event-batch+protobuf"


@dataclass(frozen=True)
class Batch:
    """A message ready to be published."""

    producer: str
    partition: int
    events: int
    body: bytes


def make_batch(producer: str, partition: int, bodies: Sequence[bytes]) -> Batch:
    """Put serialized events into a message without reading them."""
    head = event_pb2.EventBatch(producer=producer, partition=partition).SerializeToString()
    return Batch(producer, partition, len(bodies), head + b"".join(_field(body) for body in bodies))


def cut(sizes: Iterable[int]) -> Iterator[int]:
    """Tell after how many events each batch ends; an event that is too big alone goes alone."""
    events = size = 0
    for next_size in sizes:
        if events and (events == EVENTS_MAX or size + next_size > BYTES_MAX):
            yield events
            events = size = 0
        events += 1
        size += next_size
    if events:
        yield events


# Protobuf's own form of `repeated Event events = 1`: tag, length, bytes. A test reads it back.
_MORE = 0x80
_TAG = bytes([event_pb2.EventBatch.EVENTS_FIELD_NUMBER << 3 | 2])


def _field(body: bytes) -> bytes:
    return b"".join((_TAG, _varint(len(body)), body))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= _MORE:
        out.append(number % _MORE | _MORE)
        number //= _MORE
    out.append(number)
    return bytes(out)
