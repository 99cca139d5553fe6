"""One command, one effect."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from boss_kit.errors import BossError, InvalidArgument
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork


def count_notes(units: Any) -> int:
    with units.engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM note")) or 0)


def test_all_3_fifty_concurrent_calls_with_one_request_id_have_one_effect_and_one_answer(
    notes: Any, units: UnitOfWork, enterprise: str
) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub)
    request = notes.pb.CreateNoteRequest(parent=enterprise, text="once", request_id=str(uuid4()))
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: stub.CreateNote(request), range(50)))
    assert {answer.SerializeToString() for answer in answers} == {answers[0].SerializeToString()}
    assert count_notes(units) == 1


def test_all_3_a_repeat_gets_the_first_answer(notes: Any, units: UnitOfWork, enterprise: str) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub)
    request = notes.pb.CreateNoteRequest(parent=enterprise, text="twice", request_id=str(uuid4()))
    assert stub.CreateNote(request) == stub.CreateNote(request)
    assert count_notes(units) == 1


def test_all_3_a_failed_command_leaves_nothing_and_can_be_tried_again(
    notes: Any, units: UnitOfWork, enterprise: str
) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub)
    request = notes.pb.CreateNoteRequest(parent=enterprise, text="again", request_id=str(uuid4()))
    notes.servicer.fail_next = 1
    with pytest.raises(BossError):
        stub.CreateNote(request)
    assert count_notes(units) == 0
    assert stub.CreateNote(request).text == "again"


def test_another_body_with_a_used_request_id_is_refused(notes: Any, enterprise: str) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub)
    request_id = str(uuid4())
    stub.CreateNote(notes.pb.CreateNoteRequest(parent=enterprise, text="one", request_id=request_id))
    with pytest.raises(InvalidArgument) as caught:
        stub.CreateNote(notes.pb.CreateNoteRequest(parent=enterprise, text="two", request_id=request_id))
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_the_same_request_id_in_another_enterprise_is_another_command(
    notes: Any, units: UnitOfWork, enterprise: str
) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub)
    request_id = str(uuid4())
    stub.CreateNote(notes.pb.CreateNoteRequest(parent=enterprise, text="here", request_id=request_id))
    stub.CreateNote(notes.pb.CreateNoteRequest(parent=f"enterprises/{uuid4()}", text="there", request_id=request_id))
    assert count_notes(units) == 2


@pytest.mark.parametrize("request_id", ["", "none", "0190b5a2-7c1e-7d3a-9f00"])
def test_a_command_without_a_proper_request_id_is_refused(notes: Any, enterprise: str, request_id: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        notes.stub(notes.stubs.NoteServiceStub).CreateNote(
            notes.pb.CreateNoteRequest(parent=enterprise, text="x", request_id=request_id)
        )
    assert caught.value.violations[0].field == "request_id"


def test_a_command_knows_its_enterprise_its_actor_and_its_cause(
    notes: Any, tokens: TokenMaker, enterprise: str
) -> None:
    token = tokens.token("anna", ["club_manager"], [enterprise], work_role="manager", location="desk", workstation="7")
    request_id = str(uuid4())
    notes.stub(notes.stubs.NoteServiceStub, token).CreateNote(
        notes.pb.CreateNoteRequest(parent=enterprise, text="x", request_id=request_id)
    )
    (context,) = notes.seen
    assert str(context.enterprise_id) == enterprise.removeprefix("enterprises/")
    assert (context.actor.user, context.actor.work_role, context.actor.workstation) == ("anna", "manager", "7")
    assert context.causation == request_id
    assert context.nodes == (enterprise,)
