"""A guarded child process that can be killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from boss_kit.nodes import guard

LOCALHOST = "127.0.0.1"
PUBLIC_TEMPORARY = "/var/tmp"


class NodeFailed(RuntimeError):
    """Say that a server didn't start, with the end of its own log."""


class GuardedProcess:
    """A server process that ends with us, whatever ends us."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environ: Mapping[str, str] | None = None,
        user: str | None = None,
        remove: Path | None = None,
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, user or "", str(remove or ""), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=dict(environ or os.environ),
                cwd=log.parent,
                start_new_session=True,
            )
        said = self._guard.stdout.readline() if self._guard.stdout else b""
        if not said:
            raise NodeFailed(f"{command[0]} could not be started: {log.read_text(errors='replace')[-2000:]}")
        self.pid = int(said)

    @property
    def running(self) -> bool:
        """Tell whether the server is there."""
        return self._guard.poll() is None

    def kill(self) -> None:
        """End the server and all it started with SIGKILL, as a lost machine would."""
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self.pid)
            # Stopped first, so that it can't start others while we count its children.
            server.suspend()
            for process in [server, *server.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self._reap()

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 30) -> None:
        """Ask the server to end; kill it when it doesn't."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        try:
            self._guard.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reap()

    def wait_until(self, ready: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Wait until the server answers. Raises NodeFailed with the end of its log."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise NodeFailed(f"{what} did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def _reap(self) -> None:
        self._guard.wait(30)
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()


def free_port() -> int:
    """Find a TCP port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOCALHOST, port)) == 0


def open_directory(prefix: str) -> Path:
    """Make a directory that another system user can reach: the usual place may lie in a closed home directory."""
    usual = Path(tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix=prefix, dir=usual if is_reachable(usual) else PUBLIC_TEMPORARY))


def is_reachable(path: Path) -> bool:
    """Tell whether every user of the machine can get to a file or directory and use it."""
    return all(place.stat().st_mode & 0o001 for place in [path, *path.resolve().parents])
