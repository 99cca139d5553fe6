"""A RabbitMQ node of our own on 127.0.0.1, from the machine's `rabbitmq-server`."""

import contextlib
import os
import shutil
from pathlib import Path

import psutil

from boss_kit.nodes.process import LOCALHOST, GuardedProcess, answers, free_port

START_S_MAX = 90
_PACKAGED = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def find_server() -> str | None:
    """Find the server's start script, past Debian's wrapper, which always changes to the system's own node user."""
    return _PACKAGED if os.access(_PACKAGED, os.X_OK) else shutil.which("rabbitmq-server")


class RabbitNode:
    """A broker that can be killed and started again on the same data; a node the machine runs isn't disturbed."""

    def __init__(
        self, directory: Path, *, port: int | None = None, server: str | None = None, throw_away: bool = False
    ) -> None:
        found = server or find_server()
        if found is None:
            raise FileNotFoundError("there is no rabbitmq-server here; install it or name a broker by its address")
        self.directory = directory
        self.port = port or free_port()
        self._distribution_port = free_port()
        self._server = found
        self._throw_away = throw_away
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        """Give the broker's address."""
        return f"amqp://guest:guest@{LOCALHOST}:{self.port}/"

    def start(self) -> None:
        """Start the broker on its own data."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = {LOCALHOST}:{self.port}\nlog.file.level = warning\nlog.console.level = warning\n"
        )
        for name in ("rabbitmq-env.conf", "enabled_plugins"):
            (self.directory / name).write_text("" if name.endswith("conf") else "[].")
        self._process = GuardedProcess(
            [self._server],
            log=self.directory / "rabbitmq.log",
            environ=self._environ(),
            remove=self.directory if self._throw_away else None,
        )
        self._process.wait_until(lambda: answers(self.port), "RabbitMQ", START_S_MAX)

    @property
    def running(self) -> bool:
        """Tell whether the server is there."""
        return self._process is not None and self._process.running

    def kill(self) -> None:
        """End the broker with SIGKILL."""
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """Stop the broker; remove the data of a throw-away one."""
        if self._process:
            # The start script waits for the Erlang machine, which ends in order on SIGTERM.
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self._process.pid).children(recursive=True):
                    if child.name().startswith("beam"):
                        child.terminate()
            self._process.stop()
        if self._throw_away:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _environ(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        return inherited | {
            "HOME": str(self.directory),
            "ERL_EPMD_ADDRESS": LOCALHOST,
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "data"),
            "RABBITMQ_NODENAME": f"boss_{self.port}@localhost",
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
        }
