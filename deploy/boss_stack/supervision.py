"""The supervisor's configuration: which processes there are, in which order, with which logs (supervisord.org)."""

import configparser
import io
import os
import subprocess
import sys
from pathlib import Path

from boss_stack.layout import SERVICES, WORKERS, Layout

START_ORDER = {"servers": 1, "services": 10}
LOG_MAXBYTES = "20MB"


def write(layout: Layout) -> Path:
    """Write the supervisor's configuration and give its path."""
    config = configparser.RawConfigParser()
    config.optionxform = str  # type: ignore[assignment,method-assign]  # configparser's own way to keep the case of names
    socket = layout.path / "supervisor.sock"
    config["unix_http_server"] = {"file": str(socket), "chmod": "0700"}
    config["supervisord"] = {
        "logfile": str(layout.path / "logs" / "supervisord.log"),
        "pidfile": str(layout.path / "supervisord.pid"),
        "childlogdir": str(layout.path / "logs"),
        "identifier": "boss",
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisorctl"] = {"serverurl": f"unix://{socket}"}
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
    return {f"{service}-serve": [*python, "serve"], f"{service}-run": [*python, "run"], **workers}


def start(layout: Layout) -> None:
    """Start the supervisor, which starts the servers."""
    subprocess.run([_tool("supervisord"), "-c", str(write(layout))], check=True, cwd=layout.path)


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
        "stopwaitsecs": "20",
        "stopsignal": "TERM",
        "redirect_stderr": "true",
        "stdout_logfile": str(layout.path / "logs" / f"{name}.log"),
        "stdout_logfile_maxbytes": LOG_MAXBYTES,
    }


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)
