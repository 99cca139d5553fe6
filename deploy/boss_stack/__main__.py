"""`python -m boss_stack up | down | status | demo`: the distributed form on one machine."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from boss_kit.nodes.process import LOCALHOST, answers
from boss_stack import supervision
from boss_stack.keys import make
from boss_stack.layout import SERVICES, Layout, folder_default, plan, read

WAIT_S_MAX = 120
POLL_S = 0.1

console = Console(highlight=False)
app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path | None, typer.Option(help="The installation's folder.")]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def up(
    folder: Folder = None,
    seed: Annotated[int, typer.Option(help="Seed of the sandbox processor and providers.")] = 1,
    test_clock: Annotated[bool, typer.Option(help="Time is driven by hand.")] = False,
) -> None:
    """Start every service as its own processes, with broker and database, and keep them up."""
    layout = plan(folder or folder_default(), seed=seed, test_clock=test_clock)
    if (layout.path / "supervisor.sock").exists():
        console.print(f"already up in {layout.path}; `make down` stops it")
        raise typer.Exit(1)
    raise_up(layout)
    console.print(f"up: five services, their logs in {layout.path / 'logs'}")
    for service in SERVICES:
        console.print(f"  {service:<14} gRPC {layout.address(service)}")
    console.print(f"a token for `boss`: {layout.path / 'keys' / 'operator.jwt'}; `make down` stops everything")


@app.command()
def down(folder: Folder = None, wipe: Annotated[bool, typer.Option(help="Also remove the data.")] = False) -> None:
    """Stop everything that `up` started."""
    place = folder or folder_default()
    if not (place / "state.json").exists():
        console.print(f"nothing is up in {place}")
        return
    bring_down(read(place))
    if wipe:
        shutil.rmtree(place)
    console.print("down")


@app.command()
def status(folder: Folder = None) -> None:
    """Show every process and how long it has been up."""
    console.print(supervision.control(read(folder or folder_default()), "status"), end="")


@app.command(context_settings=PASSED_ON)
def demo(context: typer.Context, seed: Annotated[int, typer.Option(min=0)] = 1, folder: Folder = None) -> None:
    """Play the demo against a fresh distributed installation, then take it down. Other options go to the demo."""
    place = folder or Path(tempfile.mkdtemp(prefix="boss-distributed-", dir="/var/tmp"))
    layout = plan(place, seed=seed, test_clock=True)
    try:
        raise_up(layout)
        console.print(f"processes and logs: {layout.path}")
        command = [sys.executable, "-m", "boss_demo", "--distributed", "--folder", str(layout.path)]
        played = subprocess.run([*command, "--seed", str(seed), *context.args], check=False)
    finally:
        bring_down(layout)
    if played.returncode == 0 and folder is None:
        shutil.rmtree(place / "postgres", ignore_errors=True)
        shutil.rmtree(place / "rabbitmq", ignore_errors=True)
    raise typer.Exit(played.returncode)


def raise_up(layout: Layout) -> None:
    """Start servers, then databases and schemas, then services, and wait until all answer."""
    make(layout.path / "keys")
    supervision.start(layout)
    _wait("the database", lambda: _database_answers(layout))
    _wait("the broker", lambda: not layout.broker_port or answers(layout.broker_port))
    _create_databases(layout)
    for service in SERVICES:
        _migrate(layout, service)
    names = [name for service in SERVICES for name in supervision.processes(service)]
    # One that dies while it starts is started again by the supervisor: whether all answer is what counts.
    supervision.control(layout, "start", *names, check=False)
    for service in SERVICES:
        _wait(service, partial(answers, layout.grpc_ports[service]))
    layout.ready.touch()


def bring_down(layout: Layout) -> None:
    """Stop the supervisor and with it everything it started."""
    if not (layout.path / "supervisor.sock").exists():
        return
    layout.ready.unlink(missing_ok=True)
    supervision.control(layout, "shutdown", check=False)
    _wait("the end", lambda: not (layout.path / "supervisord.pid").exists())
    (layout.path / "supervisor.sock").unlink(missing_ok=True)


def _database_answers(layout: Layout) -> bool:
    try:
        psycopg.connect(f"{layout.database_url}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _create_databases(layout: Layout) -> None:
    with psycopg.connect(f"{layout.database_url}/postgres", autocommit=True) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for service in SERVICES:
            if f"boss_{service}" not in there:
                connection.execute(f'CREATE DATABASE "boss_{service}"')


def _migrate(layout: Layout, service: str) -> None:
    command = [sys.executable, "-m", f"boss_{service}", "migrate"]
    subprocess.run(command, check=True, env=os.environ | layout.environment(service))


def _wait(what: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not ready():
        if time.monotonic() > deadline:
            console.print(f"{what} did not come up within {WAIT_S_MAX} s on {LOCALHOST}; see the logs")
            raise typer.Exit(1)
        time.sleep(POLL_S)


if __name__ == "__main__":
    app()
