"""Calls to others: deadline, token, story, and errors as their classes."""

import time
from typing import Any
from uuid import uuid4

import pytest

from boss_kit.context import Actor, Context
from boss_kit.errors import InvalidArgument, Transient
from boss_kit.rpc.calls import acting, time_left_s
from boss_kit.rpc.client import AGAIN_S_MIN, ATTEMPTS_MAX, Channels
from boss_kit.testing.tokens import TokenMaker
from boss_kit.testing.waiting import eventually


@pytest.fixture
def channels(notes: Any, tokens: Any) -> Any:
    opened = Channels({"test": notes.address}, tokens.signer("arm"))
    yield opened
    opened.close()


def test_all_2_a_call_carries_on_the_actor_and_the_story(notes: Any, channels: Any, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(channels.to("test"))
    with acting(Context(actor=Actor("anna", "manager"), correlation="story-7")):
        stub.GetNote(notes.pb.GetNoteRequest(name=enterprise))
    (seen,) = notes.seen
    assert (seen.actor, seen.correlation, seen.roles) == (Actor("anna", "manager"), "story-7", ("service",))


def test_an_error_comes_back_as_its_class_with_reason_and_fields(notes: Any, channels: Any, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(channels.to("test"))
    with pytest.raises(InvalidArgument) as caught:
        stub.CreateNote(notes.pb.CreateNoteRequest(parent=enterprise, text="x" * 201, request_id=str(uuid4())))
    assert caught.value.reason == "INVALID_FIELD"
    assert caught.value.violations[0].field == "text"


def test_a_service_that_is_away_is_transient_soon(tokens: TokenMaker, notes: Any, enterprise: str) -> None:
    channels = Channels({"test": "127.0.0.1:1"}, tokens.signer("arm"))
    began = time.monotonic()
    with pytest.raises(Transient) as caught:
        notes.stubs.NoteServiceStub(channels.to("test")).GetNote(notes.pb.GetNoteRequest(name=enterprise), timeout=3)
    assert time.monotonic() - began < 4
    assert caught.value.metadata["service"] == "test"
    channels.close()


def test_a_call_is_repeated_while_its_service_is_away(notes: Any, channels: Any, enterprise: str) -> None:
    asked: list[float] = []
    answer_note = notes.servicer.door.query

    def away_twice(request: Any, answer: Any) -> Any:
        asked.append(time_left_s() or 0)
        if len(asked) < 3:
            raise Transient("AWAY", "the database is away")
        return answer_note(request, answer)

    notes.servicer.door.query = away_twice
    notes.stubs.NoteServiceStub(channels.to("test")).GetNote(notes.pb.GetNoteRequest(name=enterprise), timeout=5)
    assert len(asked) == 3
    assert asked[2] < asked[0] - 2 * AGAIN_S_MIN, "all attempts share one deadline"


def test_a_call_is_repeated_no_more_than_four_times(notes: Any, channels: Any, enterprise: str) -> None:
    asked: list[Any] = []

    def away(request: Any, _answer: Any) -> Any:
        asked.append(request)
        raise Transient("AWAY", "the database is away")

    notes.servicer.door.query = away
    with pytest.raises(Transient):
        notes.stubs.NoteServiceStub(channels.to("test")).GetNote(notes.pb.GetNoteRequest(name=enterprise))
    assert len(asked) == ATTEMPTS_MAX


def test_a_service_that_does_not_answer_in_time_is_transient(notes: Any, channels: Any, enterprise: str) -> None:
    notes.servicer.door.query = lambda _request, _answer: time.sleep(2)
    with pytest.raises(Transient):
        notes.stubs.NoteServiceStub(channels.to("test")).GetNote(notes.pb.GetNoteRequest(name=enterprise), timeout=0.3)


def test_a_call_inside_a_call_never_waits_longer_than_the_caller(notes: Any, channels: Any, enterprise: str) -> Any:
    inner = notes.stubs.NoteServiceStub(channels.to("test"))
    remaining: list[float] = []
    waits = notes.servicer.door.query

    def nested(request: Any, answer: Any) -> Any:
        remaining.append(time_left_s() or 0)
        if len(remaining) == 1:
            time.sleep(0.5)
            return inner.GetNote(request)
        return waits(request, answer)

    notes.servicer.door.query = nested
    notes.stub(notes.stubs.NoteServiceStub).GetNote(notes.pb.GetNoteRequest(name=enterprise), timeout=3)
    outer_s, inner_s = remaining
    assert inner_s <= outer_s - 0.4 <= 3


def test_streams_come_through_and_end_when_the_reader_stops(notes: Any, channels: Any, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(channels.to("test"))
    for _ in range(8):
        watch = stub.WatchNotes(notes.pb.GetNoteRequest(name=enterprise))
        assert eventually(lambda watch=watch: next(watch, None) is not None)
        watch.close()
        time.sleep(0.2)


def test_errors_of_streams_come_back_as_their_class(notes: Any, channels: Any) -> None:
    stub = notes.stubs.NoteServiceStub(channels.to("test"))
    with pytest.raises(InvalidArgument):
        list(stub.ImportNotes(iter([notes.pb.ImportNotesRequest(parent="4111111111111111")])))
