"""A real SFTP server on a port of its own, serving one folder; another key, or no rename over a file, at will."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paramiko import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_SUCCEEDED,
    SFTP_OK,
    SFTP_OP_UNSUPPORTED,
    ECDSAKey,
    PKey,
    ServerInterface,
    SFTPAttributes,
    SFTPHandle,
    SFTPServer,
    SFTPServerInterface,
    SSHException,
    Transport,
)

USER, PASSWORD = "club", "let me in"


@dataclass
class Server:
    """The server as a test sees it."""

    root: Path
    port: int
    host_key: PKey
    user_key: PKey
    renames_over: bool = True
    dies_at_rename: bool = False
    logins: int = 0
    written: list[str] = field(default_factory=list)
    lines: list[Transport] = field(default_factory=list)

    def known_hosts(self, key: PKey | None = None) -> Path:
        """Write what `ssh-keyscan` says of it, or of somebody else."""
        key = key or self.host_key
        path = self.root.parent / f"known_hosts_{id(key)}"
        path.write_text(f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n")
        return path

    def key_file(self) -> Path:
        """Write the key the server knows us by."""
        path = self.root.parent / "id_club"
        self.user_key.write_private_key_file(str(path))
        return path


class _Door(ServerInterface):
    def __init__(self, server: Server) -> None:
        self.server = server

    def check_auth_password(self, username: str, password: str) -> int:
        return self._welcome((username, password) == (USER, PASSWORD))

    def check_auth_publickey(self, username: str, key: PKey) -> int:
        return self._welcome(username == USER and key == self.server.user_key)

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def _welcome(self, known: bool) -> int:
        self.server.logins += known
        return AUTH_SUCCESSFUL if known else AUTH_FAILED


class _Handle(SFTPHandle):
    def stat(self) -> Any:
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]


class _Folder(SFTPServerInterface):
    """Serves the folder of the test's server."""

    def __init__(self, door: _Door, *args: Any, **kwargs: Any) -> None:
        super().__init__(door, *args, **kwargs)
        self.server = door.server

    def _real(self, path: str) -> Path:
        return self.server.root / path.lstrip("/")

    def canonicalize(self, path: str) -> str:
        return "/" + os.path.normpath(path).lstrip("/.")

    def list_folder(self, path: str) -> Any:
        return self._try(lambda: [self._attributes(one) for one in self._real(path).iterdir()])

    def stat(self, path: str) -> Any:
        return self._try(lambda: SFTPAttributes.from_stat(self._real(path).stat()))

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        def opened() -> _Handle:
            if flags & os.O_CREAT:
                self.server.written.append(path)
            number = os.open(self._real(path), flags, 0o644)
            handle = _Handle(flags)
            mode = "r+b" if flags & os.O_RDWR else "wb" if flags & os.O_WRONLY else "rb"
            handle.readfile = handle.writefile = os.fdopen(number, mode)  # type: ignore[attr-defined]
            return handle

        return self._try(opened)

    def mkdir(self, path: str, attr: Any) -> int:
        return self._do(lambda: self._real(path).mkdir())

    def remove(self, path: str) -> int:
        return self._do(lambda: self._real(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> int:
        if self._real(newpath).exists():
            return SFTPServer.convert_errno(17)
        return self._do(lambda: self._real(oldpath).rename(self._real(newpath)))

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        if self.server.dies_at_rename and newpath.split("/")[-2] == "requests":
            self._do(lambda: self._real(oldpath).replace(self._real(newpath)))
            self.server.lines[-1].close()
        if not self.server.renames_over:
            return SFTP_OP_UNSUPPORTED
        return self._do(lambda: self._real(oldpath).replace(self._real(newpath)))

    def _attributes(self, path: Path) -> SFTPAttributes:
        return SFTPAttributes.from_stat(path.stat(), path.name)

    def _do(self, what: Any) -> int:
        return int(self._try(lambda: what() and None) or SFTP_OK)

    def _try(self, what: Any) -> Any:
        try:
            return what()
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 5)


@contextmanager
def running_server(root: Path) -> Iterator[Server]:
    """Serve a folder until the test is over."""
    root.mkdir(exist_ok=True)
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(root, listening.getsockname()[1], ECDSAKey.generate(), ECDSAKey.generate())
    thread = threading.Thread(target=_serve, args=(listening, server), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # Closing alone doesn't wake who waits for a line.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)
        for line in server.lines:
            line.close()


def _serve(listening: socket.socket, server: Server) -> None:
    while True:
        try:
            line = Transport(listening.accept()[0])
        except OSError:
            return
        server.lines.append(line)
        line.add_server_key(server.host_key)
        line.set_subsystem_handler("sftp", SFTPServer, _Folder)
        try:
            line.start_server(server=_Door(server))
        except (SSHException, EOFError, OSError):
            # A client that mistrusts our key hangs up, at times with a reset; the next one is served all the same.
            line.close()
