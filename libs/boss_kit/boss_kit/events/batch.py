"""A broker message: at most 500 events and 1 MB of one producer and one partition, in order (DESIGN 3)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from boss.events.v1 import event_pb2

from boss_kit.events.storage import pack, unpack

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


class Piece(NamedTuple):
    """Events of one partition in order, each in the frame it has in a message: pieces one behind the other are one."""

    events: int
    body: bytes


def make_piece(bodies: Sequence[bytes]) -> Piece:
    """Frame serialized events without reading them."""
    return Piece(len(bodies), b"".join([part for body in bodies for part in (_frame(len(body)), body)]))


def store(piece: Piece) -> Piece:
    """Give a piece as a row of the outbox keeps it."""
    return Piece(piece.events, pack(piece.body))


def stored_piece(events: int, body: bytes) -> Piece:
    """Give the piece in a row of the outbox."""
    # A process of the release before this one writes an event a row, without its frame and uncounted.
    return Piece(events, unpack(body)) if events else make_piece([body])


def make_batch(producer: str, partition: int, pieces: Sequence[Piece]) -> Batch:
    """Put pieces into a message."""
    head = event_pb2.EventBatch(producer=producer, partition=partition).SerializeToString()
    return Batch(producer, partition, sum(one.events for one in pieces), head + b"".join([one.body for one in pieces]))


def read_events(bodies: Iterable[bytes]) -> Sequence[event_pb2.Event]:
    """Read the events of pieces or of messages."""
    return event_pb2.EventBatch.FromString(b"".join(bodies)).events


def cut(sizes: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Tell after how many of what has so many events and bytes each batch ends; what is too big alone goes alone."""
    count = events = size = 0
    for next_events, next_size in sizes:
        if count and (events + next_events > EVENTS_MAX or size + next_size > BYTES_MAX):
            yield count
            count = events = size = 0
        count += 1
        events += next_events
        size += next_size
    if count:
        yield count


# Protobuf's own form of `repeated Event events = 1`: tag, length, bytes. A test reads it back.
_MORE = 0x80
_TAG = bytes([event_pb2.EventBatch.EVENTS_FIELD_NUMBER << 3 | 2])


@lru_cache(maxsize=4096)
def _frame(number: int) -> bytes:
    out = bytearray(_TAG)
    while number >= _MORE:
        out.append(number % _MORE | _MORE)
        number //= _MORE
    out.append(number)
    return bytes(out)
