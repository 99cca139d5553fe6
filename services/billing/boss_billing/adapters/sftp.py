"""Files on a server, over SFTP: only with a server whose key is known, and nothing is kept open between exchanges."""

import posixpath
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import time
from typing import ParamSpec, TypeVar

from paramiko import BadHostKeyException, PKey, RejectPolicy, SFTPClient, SSHClient, SSHException
from paramiko.pkey import UnknownKeyType

from boss_billing.adapters.places import Files, PlaceAwayError, Seen, UnclearError, is_whole, part_of

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
_LOST = (SSHException, EOFError, TimeoutError, ConnectionError)
"""The line went dead: what was asked for may have been done."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Login:
    """Which server, who we are there, and how it knows us and we know it."""

    host: str
    port: int
    user: str
    folder: str
    known_hosts: Path
    key_file: Path | None = None
    password: str = ""


class Sftp:
    """A folder on an SFTP server."""

    def __init__(self, login: Login) -> None:
        self._login = login

    @contextmanager
    def open(self) -> Iterator[Files]:
        """Connect, and hang up afterwards. Raises PlaceAwayError, also where the server's key isn't the known one."""
        with SSHClient() as client:
            files = self._connect(client)
            try:
                yield SftpFiles(files, self._login.folder)
            except OSError as error:
                raise PlaceAwayError(error) from error

    def _connect(self, client: SSHClient) -> SFTPClient:
        login = self._login
        client.set_missing_host_key_policy(RejectPolicy())
        try:
            client.load_host_keys(str(login.known_hosts))
            client.connect(
                login.host,
                login.port,
                login.user,
                login.password or None,
                pkey=PKey.from_path(login.key_file) if login.key_file else None,
                timeout=CONNECT_TIMEOUT_S,
                banner_timeout=CONNECT_TIMEOUT_S,
                auth_timeout=CONNECT_TIMEOUT_S,
                allow_agent=False,
                look_for_keys=False,
            )
            files = client.open_sftp()
            channel = files.get_channel()
            assert channel is not None, "it was opened just now"
            channel.settimeout(ANSWER_TIMEOUT_S)
        except BadHostKeyException as error:
            raise PlaceAwayError(
                f"{login.host} shows another key than {login.known_hosts} has for it; nothing is sent there"
            ) from error
        except (SSHException, UnknownKeyType, EOFError, OSError, ValueError, TypeError) as error:
            raise PlaceAwayError(f"{login.host}:{login.port}: {error}") from error
        return files


class SftpFiles:
    """The files below a folder of a server, while the line is open."""

    def __init__(self, files: SFTPClient, folder: str) -> None:
        self._files = files
        self._folder = folder

    def make(self, folder: str) -> None:
        """Make a folder where there is none, and those above it."""
        if self.see(folder) is None:
            above = posixpath.dirname(folder)
            if above:
                self.make(above)
            _ask(self._files.mkdir, self._path(folder))

    def names(self, folder: str) -> Sequence[str]:
        """Name a folder's text files, sorted."""
        try:
            found = _ask(self._files.listdir_attr, self._path(folder))
        except FileNotFoundError:
            return []
        return sorted(one.filename for one in found if stat.S_ISREG(one.st_mode or 0) and is_whole(one.filename))

    def see(self, path: str) -> Seen | None:
        """Look at a file; its age is by the server's clock."""
        return self._see(self._path(path))

    def read(self, path: str) -> bytes:
        """Read a file."""
        content = BytesIO()
        _ask(self._files.getfo, self._path(path), content)
        return content.getvalue()

    def write(self, path: str, content: bytes) -> None:
        """Upload a file under a hidden name and rename it when all of it is there."""
        part, whole = self._path(part_of(path)), self._path(path)
        _ask(self._files.putfo, BytesIO(content), part, len(content), confirm=True)
        try:
            self._rename(part, whole)
        except _LOST as error:
            raise UnclearError(path, error) from error
        except OSError as error:
            raise PlaceAwayError(f"{path}: {error}") from error

    def move(self, path: str, to: str) -> None:
        """Give a file another path."""
        _ask(self._rename, self._path(path), self._path(to))

    def _rename(self, path: str, to: str) -> None:
        try:
            self._files.posix_rename(path, to)
        except _LOST:
            raise
        except OSError as error:
            if error.errno is not None:
                raise
            # A server without that extension renames only to where nothing is.
            if self._see(to) is not None:
                self._files.remove(to)
            self._files.rename(path, to)

    def _see(self, path: str) -> Seen | None:
        try:
            found = _ask(self._files.stat, path)
        except FileNotFoundError:
            return None
        return Seen(found.st_size or 0, time() - (found.st_mtime or 0))

    def _path(self, path: str) -> str:
        return posixpath.join(self._folder, path)


def _ask(what: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the server for something. Raises PlaceAwayError; what isn't there is for the caller to judge."""
    # A server says what is wrong, but not with which file.
    path = next((one for one in args if isinstance(one, str)), "")
    try:
        return what(*args, **kwargs)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, error.strerror, path) from error
    except (SSHException, EOFError, OSError) as error:
        raise PlaceAwayError(f"{path}: {error}") from error
