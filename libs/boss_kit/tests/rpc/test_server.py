"""What every call meets before the servicer."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from boss_kit.errors import (
    AlreadyExists,
    BossError,
    InvalidArgument,
    PermissionDenied,
    ResourceExhausted,
    Transient,
    Unauthenticated,
)
from boss_kit.rpc.server import build_server
from boss_kit.settings import StartError
from boss_kit.testing.postgres import PostgresServer
from boss_kit.testing.tokens import TokenMaker
from boss_kit.unit_of_work import UnitOfWork

DEADLINE_S = 10


def bearer(tokens: Any) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {tokens.token()}")]


def create(notes: Any, parent: str, **fields: Any) -> Any:
    request = notes.pb.CreateNoteRequest(parent=parent, request_id=str(uuid4()), **fields)
    return notes.stub(notes.stubs.NoteServiceStub).CreateNote(request)


def raw_create(notes: Any, tokens: Any, body: bytes) -> grpc.RpcError:
    call = notes.plain.unary_unary("/boss_test.v1.NoteService/CreateNote")
    with pytest.raises(grpc.RpcError) as caught:
        call(body, timeout=DEADLINE_S, metadata=bearer(tokens))
    return caught.value


def test_a_server_with_a_method_without_a_permission_does_not_start(notes_protos: Any, tokens: TokenMaker) -> None:
    add = notes_protos.grpc.add_OpenServiceServicer_to_server
    with pytest.raises(LookupError, match=r"OpenService\.DoAnything has no permission"):
        build_server("test", "127.0.0.1:0", tokens.verifier("test"), [lambda server: add(object_servicer(), server)])


def test_a_server_with_a_command_without_a_request_id_does_not_start(notes_protos: Any, tokens: TokenMaker) -> None:
    add = notes_protos.grpc.add_ForgetfulServiceServicer_to_server
    with pytest.raises(LookupError, match="no field request_id"):
        build_server("test", "127.0.0.1:0", tokens.verifier("test"), [lambda server: add(object_servicer(), server)])


def object_servicer() -> Any:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return lambda _request, _context: None

    return Anything()


def test_two_servers_cannot_share_a_port(notes: Any, tokens: TokenMaker) -> None:
    with pytest.raises(StartError, match="BOSS_GRPC_ADDRESS: can't listen"):
        build_server("test", notes.address, tokens.verifier("test"), [])


def test_a_call_without_a_deadline_is_refused(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(notes.plain)
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetNote(notes.pb.GetNoteRequest(name=enterprise), metadata=bearer(tokens))
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("DEADLINE_REQUIRED", "test.boss")


def test_a_deadline_beyond_thirty_seconds_is_refused(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(notes.plain)
    request = notes.pb.GetNoteRequest(name=enterprise)
    with pytest.raises(grpc.RpcError, match="more than 30 s"):
        stub.GetNote(request, metadata=bearer(tokens), timeout=60)
    assert stub.GetNote(request, metadata=bearer(tokens), timeout=30).name == enterprise


def test_only_four_may_watch_at_a_time(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(notes.plain)
    request = notes.pb.GetNoteRequest(name=enterprise)
    watches = [stub.WatchNotes(request, metadata=bearer(tokens), timeout=3600) for _ in range(4)]
    for watch in watches:
        assert next(watch).text == "tick"
    with pytest.raises(ResourceExhausted):
        next(notes.stub(notes.stubs.NoteServiceStub).WatchNotes(request))
    watches[0].cancel()
    assert eventually(lambda: next(notes.stub(notes.stubs.NoteServiceStub).WatchNotes(request)).text == "tick")
    for watch in watches:
        watch.cancel()


def eventually(check: Any, timeout_s: float = 5) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if check():
                return True
        except BossError:
            pass
        time.sleep(0.05)
    return False


def test_all_3_every_wrong_field_is_named_in_words(notes: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        create(notes, "", text="x" * 201)
    assert {(found.field, found.description) for found in caught.value.violations} == {
        ("parent", "must not be empty."),
        ("text", "must be at most 200 characters."),
    }


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"text": "pay with 4111 1111 1111 1111 please"}, "text"),
        ({"token": "4111111111111111"}, "token"),
        ({"token": "x4111111111111111"}, "token"),
        ({"home_phone": "4111-1111-1111-1111"}, "home_phone"),
        ({"others": [{"text": "fine"}, {"text": "5555555555554444"}]}, "others[1].text"),
        ({"labels": {"card": "378282246310005"}}, "labels['card']"),
    ],
)
def test_a_card_number_is_refused_wherever_it_stands(
    notes: Any, enterprise: str, fields: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        create(notes, enterprise, **fields)
    assert caught.value.reason == "CARD_NUMBER"
    assert [found.field for found in caught.value.violations] == [path]
    assert "1111" not in str(caught.value)


def test_a_nul_character_is_refused(notes: Any, enterprise: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        create(notes, enterprise, text="a\0b")
    assert caught.value.violations[0].field == "text"


@pytest.mark.parametrize("body", [b"\x12\x03\xed\xa0\x80", b"\x12\x02\xff\xfe", b"\xff\xff\xff\xff"])
def test_unpaired_surrogates_and_broken_bytes_are_the_callers_fault(
    notes: Any, tokens: TokenMaker, body: bytes
) -> None:
    assert raw_create(notes, tokens, body).code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_number_out_of_the_columns_range_is_the_callers_fault(notes: Any, enterprise: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        create(notes, enterprise, text="big", number=2**40)
    assert caught.value.reason == "INVALID_VALUE"


def test_a_broken_unique_rule_is_already_exists(notes: Any, enterprise: str) -> None:
    create(notes, enterprise, text="same")
    with pytest.raises(AlreadyExists):
        create(notes, enterprise, text="same")


def test_an_unexpected_error_leaks_nothing_but_an_id_to_ask_for(
    notes: Any, enterprise: str, caplog: pytest.LogCaptureFixture
) -> None:
    notes.servicer.fail_next = 1
    with pytest.raises(BossError) as caught:
        create(notes, enterprise, text="hush")
    assert caught.value.code == "INTERNAL"
    assert "hush" not in str(caught.value)
    assert caught.value.metadata["correlation"] in str(caught.value)
    assert "ValueError" in caplog.text


def test_records_of_a_stream_are_refused_one_by_one(notes: Any, enterprise: str) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub)
    records = [notes.pb.Record(text=text) for text in ("fine", "4111111111111111", "x" * 21)]
    requests = [notes.pb.ImportNotesRequest(parent=enterprise, records=records)] * 2
    answers = list(stub.ImportNotes(iter(requests)))
    assert [list(answer.refused) for answer in answers] == [[False, True, True]] * 2


def test_every_message_of_a_stream_must_be_covered(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub, tokens.token("anna", ["club_manager"], [enterprise]))
    requests = [notes.pb.ImportNotesRequest(parent=parent) for parent in (enterprise, f"enterprises/{uuid4()}")]
    with pytest.raises(PermissionDenied):
        list(stub.ImportNotes(iter(requests)))


def test_a_stream_without_messages_is_answered(notes: Any) -> None:
    assert list(notes.stub(notes.stubs.NoteServiceStub).ImportNotes(iter([]))) == []


def test_without_a_token_nobody_is_served(notes: Any, enterprise: str) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub, token="")
    with pytest.raises(Unauthenticated) as caught:
        stub.GetNote(notes.pb.GetNoteRequest(name=enterprise))
    assert caught.value.reason in ("TOKEN_MISSING", "TOKEN_REFUSED")


@pytest.mark.parametrize(
    ("roles", "allowed"),
    [(["auditor"], True), (["front_desk"], True), (["processor"], False), ([], False), (["king"], False)],
)
def test_the_role_decides(notes: Any, tokens: TokenMaker, enterprise: str, roles: list[str], allowed: Any) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub, tokens.token("anna", roles, [enterprise]))
    request = notes.pb.GetNoteRequest(name=enterprise)
    if allowed:
        assert stub.GetNote(request).name == enterprise
        return
    with pytest.raises(PermissionDenied, match=r"agreements\.notes\.get"):
        stub.GetNote(request)


def test_the_node_decides(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    unit, other = f"{enterprise}/businessUnits/{uuid4()}", f"{enterprise}/businessUnits/{uuid4()}"
    stub = notes.stub(notes.stubs.NoteServiceStub, tokens.token("anna", ["auditor"], [unit]))
    for covered in (unit, f"{unit}/accounts/{uuid4()}"):
        assert stub.GetNote(notes.pb.GetNoteRequest(name=covered)).name == covered
    for foreign in (other, enterprise, f"{unit}0", "", f"enterprises/{uuid4()}"):
        with pytest.raises(PermissionDenied):
            stub.GetNote(notes.pb.GetNoteRequest(name=foreign))


def test_a_name_deep_inside_a_request_must_be_covered_too(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    stub = notes.stub(notes.stubs.NoteServiceStub, tokens.token("anna", ["club_manager"], [enterprise]))
    request = notes.pb.CreateNoteRequest(
        parent=enterprise, request_id=str(uuid4()), others=[{"name": f"enterprises/{uuid4()}/x/y"}]
    )
    with pytest.raises(PermissionDenied):
        stub.CreateNote(request)


def test_one_call_is_about_one_enterprise(notes: Any, enterprise: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        create(notes, enterprise, others=[{"name": f"enterprises/{uuid4()}"}])
    assert caught.value.reason == "SEVERAL_ENTERPRISES"


def test_the_correlation_id_is_taken_from_the_caller_or_made(notes: Any, tokens: TokenMaker, enterprise: str) -> None:
    stub = notes.stubs.NoteServiceStub(notes.plain)
    request = notes.pb.GetNoteRequest(name=enterprise)
    stub.GetNote(request, timeout=5, metadata=[*bearer(tokens), ("boss-correlation", "story-1")])
    stub.GetNote(request, timeout=5, metadata=[*bearer(tokens), ("boss-correlation", "not one!")])
    assert notes.seen[0].correlation == "story-1"
    assert notes.seen[1].correlation not in ("", "not one!")


def test_health_is_known_per_service_and_needs_no_token(notes: Any) -> None:
    health = health_pb2_grpc.HealthStub(notes.plain)
    for name in ("", "boss_test.v1.NoteService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_stopping_server_finishes_what_it_has_in_hand(notes: Any, enterprise: str) -> Any:
    slow = notes.servicer.door.query

    def slowly(request: Any, answer: Any) -> Any:
        time.sleep(0.5)
        return slow(request, answer)

    notes.servicer.door.query = slowly
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(notes.stub(notes.stubs.NoteServiceStub).GetNote, notes.pb.GetNoteRequest(name=enterprise))
        time.sleep(0.2)
        notes.server.stop(5)
        assert running.result().name == enterprise
    with pytest.raises(Transient):
        notes.stub(notes.stubs.NoteServiceStub).GetNote(notes.pb.GetNoteRequest(name=enterprise), timeout=1)


def test_a_lost_database_is_unavailable(
    notes: Any, units: UnitOfWork, enterprise: str, postgres_server: PostgresServer
) -> None:
    units.engine.dispose()
    name = units.engine.url.database
    import psycopg

    with psycopg.connect(postgres_server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    with pytest.raises(Transient):
        create(notes, enterprise, text="x")
