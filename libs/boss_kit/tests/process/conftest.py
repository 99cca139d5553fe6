"""A service in processes of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


class Probe:
    """Starts the probe's processes."""

    def __init__(self, environ: dict[str, str], address: str) -> None:
        self.environ = environ
        self.address = address

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "probe", *arguments],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run a process to its end."""
        return subprocess.run(
            [sys.executable, "-m", "probe", *arguments],
            env={**self.environ, **changes},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def empty_url(postgres_server: Any) -> Iterator[str]:
    """Give the address of an empty database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def probe(empty_url: str, tokens: Any) -> Probe:
    """Give the probe with an empty database."""
    port = free_port()
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("BOSS_", "AMQP_", "DATABASE_"))},
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        "DATABASE_URL": empty_url,
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("collections")),
        "BOSS_GRPC_ADDRESS": f"127.0.0.1:{port}",
    }
    return Probe(environ, f"127.0.0.1:{port}")


@pytest.fixture
def started(probe: Probe) -> Iterator[Any]:
    """Give a function that starts a process, waits for a line of its log, and ends it with the test."""
    with ExitStack() as stack:

        def start(*arguments: str) -> "subprocess.Popen[str]":
            process = probe.start(*arguments)
            stack.callback(_end, process)
            assert process.stderr is not None
            for line in process.stderr:
                if '"started"' in line:
                    return process
            raise AssertionError(f"ended with {process.wait()}")

        yield start


def free_port() -> int:
    """Find a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()
