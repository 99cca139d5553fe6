"""A tiny service, compiled at run time, behind the real server and a real database."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from grpc_tools import protoc

from boss_kit.unit_of_work import UnitOfWork, no_facts

PROTOS = Path(__file__).parents[4] / "protos"
NOTES = Path(__file__).parent / "notes.proto"


@pytest.fixture(scope="session")
def notes_protos(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Compile and import the test service's messages and stubs."""
    source, out = tmp_path_factory.mktemp("protos"), tmp_path_factory.mktemp("generated")
    (source / "boss_test").mkdir()
    (source / "boss_test" / "notes.proto").write_text(NOTES.read_text())
    code = protoc.main(
        [
            "protoc",
            f"-I{source}",
            f"-I{PROTOS}",
            f"-I{PROTOS / 'third_party'}",
            f"-I{Path(protoc.__file__).parent / '_proto'}",
            f"--python_out={out}",
            f"--grpc_python_out={out}",
            "boss_test/notes.proto",
        ]
    )
    assert code == 0
    sys.path.insert(0, str(out))
    from boss_test import notes_pb2, notes_pb2_grpc  # type: ignore[import-not-found]

    return SimpleNamespace(pb=notes_pb2, grpc=notes_pb2_grpc)


@pytest.fixture
def units(kit_engine: sa.Engine) -> UnitOfWork:
    """Give transactions on a fresh database that also has the test service's table."""
    with kit_engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY, number int, text text UNIQUE)")
        )
    return UnitOfWork(kit_engine, "test", no_facts)


@pytest.fixture
def notes(notes_protos: Any, units: UnitOfWork, serving: Any) -> Any:
    """Serve the test service."""
    from boss_kit.rpc.calls import current_call
    from boss_kit.rpc.content import check_record
    from boss_kit.rpc.door import Door
    from boss_kit.rpc.methods import per_record_validation

    pb, stubs = notes_protos.pb, notes_protos.grpc
    seen: list[Any] = []

    class NoteServicer(stubs.NoteServiceServicer):  # type: ignore[misc, name-defined]
        def __init__(self, door: Door) -> None:
            self.door = door
            self.fail_next = 0

        def CreateNote(self, request: Any, context: Any) -> Any:
            def create(tx: Any) -> Any:
                seen.append(tx.context)
                insert = sa.text("INSERT INTO note (number, text) VALUES (:number, :text) RETURNING id")
                number = tx.connection.scalar(insert, {"number": request.number, "text": request.text})
                if self.fail_next:
                    self.fail_next -= 1
                    raise ValueError(f"the secret is {request.text}")
                return pb.Note(name=f"{request.parent}/notes/{number}", text=request.text)

            return self.door.command(request, create)

        def GetNote(self, request: Any, context: Any) -> Any:
            seen.append(current_call().context)
            return self.door.query(request, lambda _tx: pb.Note(name=request.name))

        def WatchNotes(self, request: Any, context: Any) -> Iterator[Any]:
            while context.is_active():
                yield pb.Note(text="tick")
                time.sleep(0.05)

        @per_record_validation
        def ImportNotes(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
            for request in requests:
                problems = [bool(check_record(record)) for record in request.records]
                yield pb.ImportNotesResponse(refused=problems)

    servicer = NoteServicer(Door(units))
    running = serving("test", [lambda server: stubs.add_NoteServiceServicer_to_server(servicer, server)])
    running.servicer, running.seen, running.pb, running.stubs = servicer, seen, pb, stubs
    return running


@pytest.fixture
def enterprise() -> str:
    """Name an enterprise."""
    return f"enterprises/{uuid4()}"
