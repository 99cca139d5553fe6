"""Events are kept compressed while they wait in a table, and nobody who reads them can tell."""

from random import Random

import pytest
from boss.events.v1 import event_pb2
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.events.batch import Piece, make_batch, make_piece, read_events, store, stored_piece
from boss_kit.events.storage import COMPRESS_FROM_BYTES, pack, unpack
from boss_kit.ids import new_id


def some_events(count: int) -> list[event_pb2.Event]:
    return [event_pb2.Event(id=str(new_id()), type="test.v1.happened", source="test", data=b"x") for _ in range(count)]


@pytest.mark.parametrize("count", [1, 30, 500])
def test_a_piece_comes_out_of_the_outbox_as_it_went_in(count: int) -> None:
    events = some_events(count)
    piece = make_piece([event.SerializeToString() for event in events])
    row = store(piece)
    assert stored_piece(*row) == piece
    assert list(read_events([stored_piece(*row).body])) == events


def test_many_events_alike_are_kept_in_a_fraction_of_their_bytes() -> None:
    piece = make_piece([event.SerializeToString() for event in some_events(500)])
    assert len(store(piece).body) < len(piece.body) / 2


def test_few_events_are_kept_as_they_are() -> None:
    piece = make_piece([event.SerializeToString() for event in some_events(3)])
    assert store(piece) == piece


@given(st.integers(0, 3 * COMPRESS_FROM_BYTES), st.integers(0, 2**32))
def test_a_batch_is_unpacked_as_it_was_packed_however_little_it_can_be_compressed(size: int, seed: int) -> None:
    data = event_pb2.Event(id="1", data=Random(seed).randbytes(size)).SerializeToString()
    for body in (make_batch("billing", 3, [make_piece([data])]).body, make_batch("", 0, [Piece(1, data)]).body, data):
        assert unpack(pack(body)) == body
