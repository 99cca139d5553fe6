"""`python -m boss_stack up | down | status | restart | run | demo`: the distributed form on one machine."""

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

from boss_kit.nodes.process import answers
from boss_stack import supervision
from boss_stack.keys import make
from boss_stack.layout import SERVICES, Layout, OtherLayoutError, folder_default, plan, read
from boss_stack.node import what_is_missing, wipe_volumes

WAIT_S_MAX = 120
POLL_S = 0.1

# A path that is broken over two lines can't be copied.
console = Console(highlight=False, soft_wrap=True)
app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path | None, typer.Option(help="The installation's folder.")]
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def up(
    folder: Folder = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the sandbox processor and providers; 1 if not set.")] = None,
    test_clock: Annotated[bool | None, typer.Option(help="Time is driven by hand.")] = None,
) -> None:
    """Start every service as its own processes, with broker and database, and keep them up."""
    try:
        layout = plan(folder or folder_default(), seed=seed, test_clock=test_clock)
    except OtherLayoutError as error:
        raise _refused(str(error)) from None
    if supervision.is_up(layout):
        raise _refused(f"It is up already, in {layout.path}. `make down` stops it.")
    raise_up(layout)
    count = sum(len(supervision.processes(service)) for service in SERVICES)
    console.print(f"[bold]up[/bold]: five services in {count} processes, with their database, broker and mail catcher")
    for service in SERVICES:
        console.print(f"  {service:<14} gRPC {layout.address(service)}")
    console.print(f"try   . {layout.shell_file} && boss status")
    console.print(f"logs  {layout.logs}")
    console.print("stop  make down (the data stay)")


@app.command()
def down(folder: Folder = None, wipe: Annotated[bool, typer.Option(help="Also remove the data.")] = False) -> None:
    """Stop everything that `up` started."""
    place = folder or folder_default()
    if not (place / "state.json").exists():
        console.print(f"nothing was ever up in {place}")
        return
    bring_down(read(place))
    if wipe:
        wipe_volumes(place)
        shutil.rmtree(place)
    console.print("down")


@app.command()
def status(folder: Folder = None) -> None:
    """Show every process and how long it has been up."""
    console.print(supervision.control(_running(folder), "status"), end="")


@app.command()
def restart(
    names: Annotated[list[str], typer.Argument(help="A service, such as billing, or a process, such as billing-run.")],
    folder: Folder = None,
) -> None:
    """Stop processes and start them again; the others go on."""
    layout = _running(folder)
    groups = {service: list(supervision.processes(service)) for service in SERVICES}
    known = {process for group in groups.values() for process in group}
    if unknown := [name for name in names if name not in groups and name not in known]:
        raise _refused(f"There is no {', '.join(unknown)}; there are: {', '.join([*groups, *sorted(known)])}.")
    chosen = [process for name in names for process in groups.get(name, [name])]
    console.print(supervision.control(layout, "restart", *chosen), end="")


@app.command(context_settings=PASSED_ON)
def run(
    context: typer.Context, service: Annotated[str, typer.Argument(help="Such as billing.")], folder: Folder = None
) -> None:
    """Run a command of a service with this installation's settings: `run billing check --ledger`."""
    layout = _running(folder)
    if service not in SERVICES:
        raise _refused(f"There is no service {service}; there are: {', '.join(SERVICES)}.")
    command = [sys.executable, "-m", f"boss_{service}", *context.args]
    done = subprocess.run(command, check=False, env=os.environ | layout.environment(service))
    raise typer.Exit(done.returncode)


@app.command(context_settings=PASSED_ON)
def demo(context: typer.Context, seed: Annotated[int, typer.Option(min=0)] = 1, folder: Folder = None) -> None:
    """Play the demo against a fresh distributed installation, then take it down. Other options go to the demo."""
    place = folder or Path(tempfile.mkdtemp(prefix="boss-distributed-", dir="/var/tmp"))
    try:
        layout = plan(place, seed=seed, test_clock=True)
    except OtherLayoutError as error:
        raise _refused(str(error)) from None
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
        wipe_volumes(place)
    raise typer.Exit(played.returncode)


def raise_up(layout: Layout) -> None:
    """Start servers, then databases and schemas, then services, and wait until all answer."""
    if layout.broker_port and (missing := what_is_missing()):
        raise _refused(missing)
    make(layout.path / "keys")
    supervision.forget(layout)
    supervision.start(layout)
    _wait("the database", layout.logs, lambda: _database_answers(layout))
    _wait("the broker", layout.logs, lambda: not layout.broker_port or answers(layout.broker_port))
    _create_databases(layout)
    for service in SERVICES:
        _migrate(layout, service)
    # All at once. One that dies while it starts is started again by the supervisor: whether all answer is what counts.
    supervision.control(layout, "start", "all", check=False)
    for service in SERVICES:
        _wait(service, layout.logs, partial(answers, layout.grpc_ports[service]))
    layout.ready.touch()


def bring_down(layout: Layout) -> None:
    """Stop the supervisor and with it everything it started."""
    layout.ready.unlink(missing_ok=True)
    if supervision.is_up(layout):
        supervision.shut_down(layout)
        _wait("the end", layout.logs, partial(supervision.has_ended, layout))
    supervision.forget(layout)


def _running(folder: Path | None) -> Layout:
    place = folder or folder_default()
    if not (place / "state.json").exists() or not supervision.is_up(layout := read(place)):
        raise _refused(f"Nothing is up in {place}. `make up` starts it.")
    return layout


def _refused(why: str) -> typer.Exit:
    Console(stderr=True, highlight=False, soft_wrap=True).print(why, markup=False)
    return typer.Exit(1)


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
    path = layout.logs / f"{service}-migrate.log"
    with path.open("ab") as log:
        environment = os.environ | layout.environment(service)
        done = subprocess.run(command, check=False, env=environment, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        last = " ".join(path.read_text(errors="replace").splitlines()[-1:])
        raise _refused(f"{service}'s schema can't be made: {last} See {path}; `make down` stops the rest.")


def _wait(what: str, logs: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not ready():
        if time.monotonic() > deadline:
            raise _refused(f"{what} did not come within {WAIT_S_MAX} s; see {logs}. `make down` stops what is there.")
        time.sleep(POLL_S)


if __name__ == "__main__":
    app()
