"""What an operator meets at `python -m boss_stack` before and beside a running installation."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml
from typer.testing import CliRunner

from boss_kit.nodes import rabbitmq
from boss_stack import node, supervision
from boss_stack.__main__ import app
from boss_stack.layout import SERVICES, OtherLayoutError, plan, read

DEPLOY = Path(__file__).parents[2] / "deploy"
TIMEOUT_S = 30


@pytest.mark.parametrize("command", [["status"], ["restart", "billing"], ["run", "billing", "check"]])
def test_where_nothing_is_up_that_is_said_with_the_way_out(tmp_path: Path, command: list[str]) -> None:
    plan(tmp_path / "made")
    for place in ("never", "made"):
        answer = CliRunner().invoke(app, [*command, "--folder", str(tmp_path / place)])
        assert answer.exit_code == 1
        assert answer.stderr == f"Nothing is up in {tmp_path / place}. `make up` starts it.\n"


def test_a_bill_run_has_three_processes_to_be_dealt_to() -> None:
    runs = {service: [name for name in supervision.processes(service) if "-run" in name] for service in SERVICES}
    assert runs.pop("billing") == ["billing-run", "billing-run-2", "billing-run-3"]
    assert all(names == [f"{service}-run"] for service, names in runs.items())


def test_a_socket_that_a_crash_left_behind_is_no_running_installation(tmp_path: Path) -> None:
    layout = plan(tmp_path)
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(tmp_path / "supervisor.sock"))
        line.listen()
        assert supervision.is_up(layout)
    assert not supervision.is_up(layout)


def test_processes_that_outlive_their_supervisor_are_ended_and_no_others(tmp_path: Path) -> None:
    layout = plan(tmp_path / "ours")
    wait = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    environment = {**os.environ, **layout.environment("billing")}
    other = {**environment, "BOSS_JWKS": str(tmp_path / "theirs" / "jwks.json")}
    with (
        subprocess.Popen(wait, stdin=subprocess.PIPE, env=environment) as ours,
        subprocess.Popen(wait, stdin=subprocess.PIPE, env=other) as theirs,
    ):
        supervision.forget(layout)
        assert not psutil.pid_exists(ours.pid)
        assert theirs.poll() is None
        theirs.kill()


def test_an_installation_keeps_the_clock_and_the_seed_it_was_made_with(tmp_path: Path) -> None:
    made = plan(tmp_path, test_clock=True)
    assert (made.seed, made.test_clock) == (1, True)
    assert plan(tmp_path) == plan(tmp_path, seed=1, test_clock=True) == read(tmp_path) == made
    for asked in ({"seed": 2}, {"test_clock": False}):
        with pytest.raises(OtherLayoutError, match="made with seed 1, test clock on"):
            plan(tmp_path, **asked)


def test_a_shell_speaks_to_the_installation_after_reading_its_file(tmp_path: Path) -> None:
    layout = replace(plan(tmp_path), folder=str(tmp_path / "with a blank"))
    layout.path.mkdir()
    layout.save()
    script = f". '{layout.shell_file}' && env && boss --help"
    command, bare = ["sh", "-c", script], {"PATH": "/usr/bin:/bin"}
    shown = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
    assert f"BOSS_TOKEN_FILE={layout.token_file}\n" in shown
    for service in SERVICES:
        assert f"BOSS_{service.upper()}_ADDRESS={layout.address(service)}\n" in shown
    assert "The operator's command line of BOSS." in shown


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Stand in for Docker's command: an engine answers, and what it is asked for is written down."""
    folder, asked = tmp_path / "bin", tmp_path / "asked"
    folder.mkdir()
    script = folder / "docker"
    script.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return lambda: [words for line in asked.read_text().splitlines() if (words := line.split()) != ["info"]]


@pytest.mark.parametrize("kind", ["postgres", "rabbitmq"])
def test_a_server_in_a_container_keeps_its_data_until_they_are_wiped(
    docker: Callable[[], list[list[str]]], tmp_path: Path, kind: str
) -> None:
    for place in ("one", "one", "other"):
        assert node.main(kind, str(tmp_path / place / kind), "7001") == 0
    first, again, elsewhere = docker()
    volume, _, inside = first[first.index("-v") + 1].partition(":")
    assert again == first
    assert elsewhere[elsewhere.index("-v") + 1] != f"{volume}:{inside}"
    # The same places as the containers of compose.yaml.
    mounts = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"][kind]["volumes"]
    assert inside in [mount.split(":")[1] for mount in mounts]
    node.wipe_volumes(tmp_path / "one")
    assert ["volume", "rm", "-f", volume] in docker()


def test_without_a_broker_to_start_up_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "_PACKAGED", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = CliRunner().invoke(app, ["up", "--folder", str(tmp_path / "made")])
    assert answer.exit_code == 1
    assert "neither a Docker engine nor a rabbitmq-server" in answer.stderr
    assert "BOSS_STACK_AMQP_URL" in answer.stderr
