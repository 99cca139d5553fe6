"""Stamped messages are the bytes that protobuf would have written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from boss.events.v1 import event_pb2
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.context import Actor, Context
from boss_kit.events.envelope import OutgoingEvent, Sealer, SimilarEvent
from boss_kit.events.stamps import TEXTS_MAX, Stamps
from boss_kit.ids import new_id

ENTERPRISE, UNIT = new_id(), new_id()
DAY, NOW = date(2026, 1, 31), datetime(2026, 1, 31, 18, tzinfo=UTC)
STORY = Context(ENTERPRISE, Actor(user="olga"), correlation="story")


class Writer:
    """Writes every text twice, once behind its neighbour and once alone, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, version: int, texts: Sequence[str]) -> bytes:
        self.asked += 1
        event = event_pb2.Event(id="".join(texts), version=version, data=b"between")
        event.subject, event.actor = "/".join(texts), texts[-1] if texts else ""
        return event.SerializeToString()


_TEXTS = st.lists(st.text(max_size=200), max_size=5)


@given(st.lists(st.tuples(st.integers(0, 2), _TEXTS), max_size=30))
def test_each_is_what_its_writer_would_have_written(asked: list[tuple[int, list[str]]]) -> None:
    stamps, write = Stamps(), Writer()
    for version, texts in [*asked, *asked, *asked]:
        assert stamps.stamp(version, texts, write, version) == write(version, texts)


@given(st.lists(st.text("\x01\x02\x03\x7f0-é€", min_size=1, max_size=3), min_size=1, max_size=8))
def test_texts_may_look_like_those_that_the_form_is_made_of(texts: list[str]) -> None:
    stamps, write = Stamps(), Writer()
    assert {stamps.stamp(1, texts, write, 1) for _ in range(4)} == {write(1, texts)}


def test_only_a_form_seen_twice_is_made_and_from_then_on_nobody_writes() -> None:
    stamps, write = Stamps(), Writer()
    counts = []
    for number in range(5):
        stamps.stamp(1, ["one", str(number)], write, 1)
        counts.append(write.asked)
    assert counts == [1, 4, 4, 4, 4]


def test_texts_of_other_lengths_and_another_rest_have_forms_of_their_own() -> None:
    stamps, write = Stamps(), Writer()
    for same, texts in ((1, ["a", "bc"]), (1, ["ab", "c"]), (2, ["a", "bc"]), (1, ["abc"]), (1, [])):
        assert {stamps.stamp(same, texts, write, same) for _ in range(3)} == {write(same, texts)}


def test_more_texts_than_can_be_told_apart_are_written_each_time() -> None:
    stamps, write = Stamps(), Writer()
    texts = [str(number) for number in range(TEXTS_MAX + 1)]
    for _ in range(3):
        assert stamps.stamp(1, texts, write, 1) == Writer()(1, texts)
    assert write.asked == 3


def _write_sale(place: tuple[UUID, UUID], same: tuple[object, ...], key: str, note: str) -> tuple[str, bytes]:
    return f"sales/{key}", f"{place} {same}: {note}".encode()


def _similar(key: UUID, note: str, amount: int, version: int) -> SimilarEvent:
    return SimilarEvent("test.v1.sold", key, ENTERPRISE, DAY, _write_sale, (amount,), (note,), UNIT, version)


def _plain(event: SimilarEvent) -> OutgoingEvent:
    subject, data = event.write((ENTERPRISE, UNIT), event.same, str(event.key), *event.texts)
    return OutgoingEvent(event.type, event.key, subject, ENTERPRISE, DAY, data, UNIT, event.version)


@given(st.lists(st.tuples(st.uuids(), st.text(max_size=20), st.integers(0, 1), st.integers(0, 1)), max_size=20))
def test_a_similar_event_is_sealed_like_any_other(sales: list[tuple[UUID, str, int, int]]) -> None:
    sealer, other = Sealer("test", STORY, NOW), Sealer("test", STORY, NOW)
    ids = set()
    for sale in [*sales, *sales, *sales]:
        event = _similar(*sale)
        sealed = event_pb2.Event.FromString(sealer.seal(event))
        expected = event_pb2.Event.FromString(other.seal(_plain(event)))
        ids.add(sealed.id)
        sealed.id = expected.id
        assert sealed == expected
    assert len(ids) == 3 * len(sales)
