"""The supervisor's configuration: which processes there are, in which order, with which logs (supervisord.org)."""

import configparser
import contextlib
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from boss_stack.layout import RUNS, SERVICES, WORKERS, Layout

START_ORDER = {"servers": 1, "services": 10}
LOG_MAXBYTES = "20MB"
STOP_S = 20


def write(layout: Layout) -> Path:
    """Write the supervisor's configuration and give its path."""
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment,method-assign]  # configparser's own way to keep the case of names
    config["unix_http_server"] = {"file": str(_socket(layout)), "chmod": "0700"}
    config["supervisord"] = {
        "logfile": str(layout.path / "logs" / "supervisord.log"),
        "pidfile": str(_pid_file(layout)),
        "childlogdir": str(layout.path / "logs"),
        "identifier": "boss",
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisorctl"] = {"serverurl": f"unix://{_socket(layout)}"}
    for name, command in _servers(layout).items():
        config[f"program:{name}"] = _program(layout, name, command, {}, autostart=True)
    for service in SERVICES:
        for name, command in processes(service).items():
            config[f"program:{name}"] = _program(layout, name, command, layout.environment(service), autostart=False)
    text = io.StringIO()
    config.write(text)
    path = layout.path / "supervisord.conf"
    path.write_text(text.getvalue())
    return path


def processes(service: str) -> dict[str, list[str]]:
    """Name the processes of a service and their commands."""
    python = [sys.executable, "-m", f"boss_{service}"]
    workers = {
        f"{service}-work-{index}": [*python, "work", "--index", str(index), "--of", str(WORKERS)]
        for index in range(WORKERS)
    }
    names = [f"{service}-run", *(f"{service}-run-{number}" for number in range(2, RUNS.get(service, 1) + 1))]
    runs = {name: [*python, "run"] for name in names}
    return {f"{service}-serve": [*python, "serve"], **runs, **workers}


def start(layout: Layout) -> None:
    """Start the supervisor, which starts the servers."""
    subprocess.run([_tool("supervisord"), "-c", str(write(layout))], check=True, cwd=layout.path)


def is_up(layout: Layout) -> bool:
    """Tell whether the supervisor answers; a socket that a crash or a restart of the machine left behind doesn't."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(_socket(layout)))
        except OSError:
            return False
    return True


def forget(layout: Layout) -> None:
    """End and remove what a supervisor that was killed leaves behind: its processes go on, on the same ports."""
    left = [process for process in psutil.process_iter() if _belongs(process, layout)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=STOP_S)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _socket(layout).unlink(missing_ok=True)
    _pid_file(layout).unlink(missing_ok=True)


def shut_down(layout: Layout) -> None:
    """Have the supervisor stop everything. It stops one after the other; told at once, the services end together."""
    control(layout, "shutdown", check=False)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if _is_service(process, layout):
                process.terminate()


def _is_service(process: psutil.Process, layout: Layout) -> bool:
    return bool(process.environ().get("BOSS_JWKS") == str(layout.path / "keys" / "jwks.json"))


def _belongs(process: psutil.Process, layout: Layout) -> bool:
    """Tell a process the supervisor started: a service by its keys, a server by the folder it was given."""
    try:
        module = process.cmdline()[1:3] == ["-m", "boss_stack.node"] or "boss_mail_catcher" in process.cmdline()[2:3]
        of_server = module and any(Path(word).is_relative_to(layout.path) for word in process.cmdline()[3:])
        return of_server or _is_service(process, layout)
    except (psutil.Error, OSError):
        return False


def has_ended(layout: Layout) -> bool:
    """Tell whether a supervisor that was told to has stopped everything and ended."""
    return not _pid_file(layout).exists()


def control(layout: Layout, *words: str, check: bool = True) -> str:
    """Say something to the supervisor and give its answer."""
    command = [_tool("supervisorctl"), "-c", str(layout.path / "supervisord.conf"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode not in (0, 3):
        raise RuntimeError(f"supervisorctl {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def _servers(layout: Layout) -> dict[str, list[str]]:
    node = [sys.executable, "-m", "boss_stack.node"]
    found = {
        "mail-catcher": [
            *[sys.executable, "-m", "boss_mail_catcher"],
            *[
                "--folder",
                str(layout.sandbox),
                "--smtp-port",
                str(layout.smtp_port),
                "--http-port",
                str(layout.mail_http_port),
            ],
        ]
    }
    if layout.database_port:
        found["postgres"] = [*node, "postgres", str(layout.path / "postgres"), str(layout.database_port)]
    if layout.broker_port:
        found["rabbitmq"] = [*node, "rabbitmq", str(layout.path / "rabbitmq"), str(layout.broker_port)]
    return found


def _program(
    layout: Layout, name: str, command: list[str], environment: dict[str, str], *, autostart: bool
) -> dict[str, str]:
    # A per cent sign would be read as the supervisor's own placeholder.
    variables = ",".join(f'{key}="{value}"' for key, value in environment.items()).replace("%", "%%")
    return {
        "command": " ".join(command),
        "environment": variables,
        "autostart": str(autostart).lower(),
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "1000",
        "priority": str(START_ORDER["services" if environment else "servers"]),
        "stopwaitsecs": str(STOP_S),
        "stopsignal": "TERM",
        "redirect_stderr": "true",
        "stdout_logfile": str(layout.path / "logs" / f"{name}.log"),
        "stdout_logfile_maxbytes": LOG_MAXBYTES,
    }


def _socket(layout: Layout) -> Path:
    return layout.path / "supervisor.sock"


def _pid_file(layout: Layout) -> Path:
    return layout.path / "supervisord.pid"


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)
