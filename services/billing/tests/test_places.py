"""Where files lie: both places keep the same promises, and an SFTP server must be the one we know (SPEC BIL-8)."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from club import ENTERPRISE_ID, Club
from file_exchange import Exchange, Files
from paramiko import ECDSAKey
from sftp_server import PASSWORD, USER, Server, running_server

from boss_billing.adapters.file_processor import FileProcessor
from boss_billing.adapters.places import Directory, Place, PlaceAwayError, UnclearError
from boss_billing.adapters.places import Files as PlaceFiles
from boss_billing.adapters.sftp import Login, Sftp
from boss_billing.app import check_files, processor_place
from boss_billing.batches.process import BatchProcesses
from boss_billing.settings import BillingSettings
from boss_kit.errors import Transient
from boss_kit.settings import SettingsError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "server") as running:
        (running.root / "exchange").mkdir()
        yield running


def login(server: Server) -> Login:
    return Login("127.0.0.1", server.port, USER, "exchange", server.known_hosts(), server.key_file())


@pytest.fixture(params=["folder", "sftp", "sftp that never renames over a file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, Path]]:
    """Give each place, and the folder behind it."""
    if request.param == "folder":
        yield Directory(tmp_path), tmp_path
        return
    with ExitStack() as stack:
        server = stack.enter_context(running_server(tmp_path / "server"))
        (server.root / "exchange").mkdir()
        server.renames_over = request.param == "sftp"
        yield Sftp(login(server)), server.root / "exchange"


def test_bil_8_a_file_is_written_read_listed_and_moved(place: tuple[Place, Path]) -> None:
    where, folder = place
    with where.open() as files:
        files.make("requests/taken")
        files.make("requests/taken")
        files.write("requests/b.txt", b"one")
        files.write("requests/b.txt", "zwölf".encode())
        files.write("requests/a.txt", b"")
        assert files.names("requests") == ["a.txt", "b.txt"]
        assert files.read("requests/b.txt") == "zwölf".encode()
        seen = files.see("requests/b.txt")
        assert seen is not None
        assert (seen.size, -2 < seen.age_s < 60) == (6, True)
        files.move("requests/b.txt", "requests/a.txt")
        assert files.names("requests") == ["a.txt"]
        assert (files.see("requests/b.txt"), files.names("nowhere")) == (None, [])
    assert (folder / "requests" / "a.txt").read_text() == "zwölf"


def test_bil_8_what_is_hidden_being_written_or_no_text_file_is_not_listed(place: tuple[Place, Path]) -> None:
    where, folder = place
    with where.open() as files:
        files.make("responses/later.txt")
        for name in (".x.txt.part", ".x.txt", "x.txt.error", "x.csv"):
            (folder / "responses" / name).write_text("x")
        assert [name for name in files.names("responses") if (folder / "responses" / name).is_file()] == []


def test_bil_8_a_file_appears_whole_or_not_at_all(place: tuple[Place, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    where, folder = place

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    with where.open() as files:
        files.make("requests")
        files.write("requests/a.txt", b"whole")
    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr("paramiko.SFTPClient.posix_rename", full)
    with pytest.raises(PlaceAwayError, match="No space left"), where.open() as files:
        files.write("requests/a.txt", b"half")
    assert (folder / "requests" / "a.txt").read_bytes() == b"whole"


@pytest.mark.parametrize("act", [lambda files: files.read("no.txt"), lambda files: files.move("no.txt", "yes.txt")])
def test_bil_8_what_cannot_be_done_is_tried_later_and_the_file_named(
    place: tuple[Place, Path], act: Callable[[PlaceFiles], object]
) -> None:
    with pytest.raises(Transient, match=r"no\.txt"), place[0].open() as files:
        act(files)


def test_bil_8_a_place_that_is_away_is_tried_later(server: Server, tmp_path: Path) -> None:
    gone = replace(login(server), port=1)
    with pytest.raises(PlaceAwayError, match=r"127\.0\.0\.1:1"), Sftp(gone).open():
        pass
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PlaceAwayError), Directory(tmp_path / "file").open() as files:
        files.make("requests")


def test_bil_8_nothing_is_sent_to_a_server_whose_key_is_another_or_unknown(server: Server, tmp_path: Path) -> None:
    another = replace(login(server), known_hosts=server.known_hosts(ECDSAKey.generate()))
    with pytest.raises(PlaceAwayError, match="another key than"), Sftp(another).open():
        pass
    (tmp_path / "empty").write_text("")
    unknown = replace(login(server), known_hosts=tmp_path / "empty")
    with pytest.raises(PlaceAwayError, match="not found in known_hosts"), Sftp(unknown).open():
        pass
    with pytest.raises(PlaceAwayError), Sftp(replace(unknown, known_hosts=tmp_path / "none")).open():
        pass
    assert server.logins == 0


def test_bil_8_a_server_knows_us_by_key_or_by_password(server: Server) -> None:
    by_password = replace(login(server), key_file=None, password=PASSWORD)
    for known in (login(server), by_password):
        with Sftp(known).open() as files:
            assert files.names("nowhere") == []
    with pytest.raises(PlaceAwayError), Sftp(replace(login(server), key_file=server.known_hosts())).open():
        pass
    with pytest.raises(PlaceAwayError, match="Authentication failed"), Sftp(replace(by_password, password="x")).open():
        pass


def test_bil_8_an_upload_has_a_hidden_name_until_it_is_whole(server: Server) -> None:
    with Sftp(login(server)).open() as files:
        files.make("requests")
        files.write("requests/a.txt", b"x" * 100_000)
    assert server.written == ["exchange/requests/.a.txt.part"]


def test_bil_8_a_batch_whose_line_goes_dead_at_the_rename_is_unknown_and_asked_for(club: Club, server: Server) -> None:
    files = Files(club, Exchange(Sftp(login(server)), server.root / "exchange"), keeps_taken=True)
    server.dies_at_rename = True
    with pytest.raises(UnclearError), files.place.open() as there:
        there.make("requests")
        there.write("requests/a.txt", b"x")
    (server.root / "exchange" / "requests" / "a.txt").unlink()
    request = files.bill("M1")
    assert (club.one("SELECT state FROM batch"), files.states()) == ("unknown", {"unknown"})
    server.dies_at_rename = False
    club.ask("ask-processor")
    assert (club.one("SELECT state FROM batch"), files.bank.requests()) == ("submitted", [request])


def test_bil_8_a_batch_that_never_came_to_the_server_waits_also_where_nothing_is_sent_twice(
    club: Club, server: Server
) -> None:
    where = login(server)
    files = Files(club, Exchange(Sftp(where), server.root / "exchange"), keeps_taken=False)
    request = files.bill("M1")
    request.unlink()
    with club.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE batch SET state = 'cut'")
    batch_id = str(club.one("SELECT id FROM batch"))
    about = {"args": {"batches": batch_id}, "context": club.context(), "enterprise_id": ENTERPRISE_ID}
    task: Any = type("Task", (), about)
    away = FileProcessor(Sftp(replace(where, port=1)), keeps_taken=False)
    with pytest.raises(Transient):
        BatchProcesses(club.units, away).submit(task)
    assert club.one("SELECT state FROM batch") == "cut"
    BatchProcesses(club.units, files.processor).submit(task)
    assert (club.one("SELECT state FROM batch"), files.bank.requests()) == ("submitted", [request])


SFTP = "sftp://club@sftp.example.com/exchange"


@pytest.fixture
def environ(tokens: Any, server: Server) -> dict[str, str]:
    """Give what billing's settings ask for with a processor that works with files."""
    return {
        "DATABASE_URL": "postgresql://localhost/billing",
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("billing")),
        "BOSS_AGREEMENTS_ADDRESS": "localhost:1",
        "BOSS_BILLING_ADDRESS": "localhost:2",
        "BOSS_PROCESSOR": "file",
        "BOSS_PROCESSOR_SFTP_KNOWN_HOSTS": str(server.known_hosts()),
        "BOSS_PROCESSOR_SFTP_KEY": str(server.key_file()),
    }


def test_the_settings_say_where_the_files_lie(environ: dict[str, str], tmp_path: Path) -> None:

    def read(**changes: str) -> BillingSettings:
        return BillingSettings.from_environ(environ | changes)

    def refusal(**changes: str) -> str:
        with pytest.raises(SettingsError) as refused:
            read(**changes)
        return str(refused.value)

    assert isinstance(processor_place(read(BOSS_PROCESSOR_FOLDER=str(tmp_path))), Directory)
    assert isinstance(processor_place(read(BOSS_PROCESSOR_SFTP=SFTP)), Sftp)
    places = {
        SFTP: ("sftp.example.com", 22, "club", "/exchange"),
        "sftp://club@sftp.example.com:2222/~/in/out/": ("sftp.example.com", 2222, "club", "in/out"),
        "sftp://club%40chain@sftp.example.com": ("sftp.example.com", 22, "club@chain", "."),
    }
    for text, expected in places.items():
        found = read(BOSS_PROCESSOR_SFTP=text).sftp_server
        assert found is not None
        assert (found.host, found.port, found.user, found.folder) == expected
    assert "needs either" in refusal()
    assert "needs either" in refusal(BOSS_PROCESSOR_SFTP=SFTP, BOSS_PROCESSOR_FOLDER=str(tmp_path))
    for wrong in ("ftp://club@host/x", "sftp://host/x", "sftp://club:secret@host/x", "sftp://club@host:port/x", "x"):
        assert "must be such as sftp://" in refusal(BOSS_PROCESSOR_SFTP=wrong)
    assert "KNOWN_HOSTS is required" in refusal(BOSS_PROCESSOR_SFTP=SFTP, BOSS_PROCESSOR_SFTP_KNOWN_HOSTS="")
    assert "PASSWORD is required" in refusal(BOSS_PROCESSOR_SFTP=SFTP, BOSS_PROCESSOR_SFTP_KEY="")
    assert "no such file" in refusal(BOSS_PROCESSOR_SFTP=SFTP, BOSS_PROCESSOR_SFTP_KEY="/nowhere")


def test_the_check_says_whether_billing_comes_to_the_files(
    environ: dict[str, str], server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(**changes: str) -> tuple[int, str]:
        for name, value in (environ | changes).items():
            monkeypatch.setenv(name, value)
        return check_files(), capsys.readouterr().out

    here = f"sftp://{USER}@127.0.0.1:{server.port}/exchange"
    assert check(BOSS_PROCESSOR_SFTP=here) == (
        0,
        "The place of the processor's files is there; 0 responses wait to be read.\n",
    )
    code, said = check(BOSS_PROCESSOR_SFTP=here.replace(USER, "stranger"))
    assert (code, "Authentication failed" in said) == (1, True)
    code, said = check(BOSS_PROCESSOR="sandbox")
    assert (code, "exchanges no files" in said) == (1, True)
