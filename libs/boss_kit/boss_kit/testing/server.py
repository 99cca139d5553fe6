"""A real server inside the test, and a caller that always has a deadline.

@pytest.fixture
def notes(serving, units):
    servicer = NoteServicer(Door(units))
    return serving("test", [lambda server: add_NoteServiceServicer_to_server(servicer, server)])

def test_reads_a_note(notes, tokens):
    stub = notes.stub(NoteServiceStub, token=tokens.token("anna", ["auditor"], [enterprise]))
    assert stub.GetNote(GetNoteRequest(name=name)).text == "hello"
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

import grpc
import pytest

from boss_kit.rpc.client import BossChannel, open_channel
from boss_kit.rpc.server import AddServicer, Server, build_server
from boss_kit.testing.tokens import TokenMaker

S = TypeVar("S")
GRACE_S = 0.5


class ServerUnderTest:
    """A running server and the way to it."""

    def __init__(self, service: str, server: Server, tokens: TokenMaker) -> None:
        self.service = service
        self.server = server
        self.address = f"127.0.0.1:{server.port}"
        self.plain: grpc.Channel = open_channel(self.address)
        self._tokens = tokens

    def stub(self, kind: Callable[[Any], S], token: str | None = None) -> S:
        """Make a stub that raises BossErrors; without a token it calls as the platform operator."""
        text = token if token is not None else self._tokens.token()
        return kind(BossChannel(self.plain, self.service, lambda _context: text))

    def close(self) -> None:
        """Stop it."""
        self.plain.close()
        self.server.stop(GRACE_S)


Serving = Callable[..., ServerUnderTest]


@pytest.fixture
def serving(tokens: TokenMaker) -> Iterator[Serving]:
    """Give a function that starts servers, which end with the test."""
    with ExitStack() as stack:

        def start(service: str, servicers: Sequence[AddServicer], **options: Any) -> ServerUnderTest:
            server = build_server(service, "127.0.0.1:0", tokens.verifier(service), servicers, **options)
            server.start()
            running = ServerUnderTest(service, server, tokens)
            stack.callback(running.close)
            return running

        yield start
