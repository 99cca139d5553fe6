"""Where the files lie that two sides exchange: a folder of this machine here, a server's in `sftp`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Protocol

from boss_kit.errors import Transient

TEXT_FILE = ".txt"


class PlaceAwayError(Transient):
    """Nothing was changed: the place can't be reached, or will not have it."""

    def __init__(self, why: object) -> None:
        super().__init__("PROCESSOR_FILES_AWAY", f"The place of the processor's files can't be used: {why}")


class UnclearError(Transient):
    """The line went dead over a change: nobody knows whether it was made."""

    def __init__(self, path: str, why: object) -> None:
        super().__init__("PROCESSOR_FILES_UNCLEAR", f"Nobody knows whether {path} is there; the line went dead: {why}")


@dataclass(frozen=True)
class Seen:
    """A file as its place lists it."""

    size: int
    age_s: float


class Files(Protocol):
    """Files by their paths below a place, such as `requests/a.txt`. Every call may raise PlaceAwayError."""

    def make(self, folder: str) -> None:
        """Make a folder where there is none."""
        ...

    def names(self, folder: str) -> Sequence[str]:
        """Name a folder's text files, sorted; a folder that isn't there has none."""
        ...

    def see(self, path: str) -> Seen | None:
        """Look at a file; None where there is none."""
        ...

    def read(self, path: str) -> bytes:
        """Read a file."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a file so that nobody ever sees a part of it. Raises UnclearError when nobody knows whether it did."""
        ...

    def move(self, path: str, to: str) -> None:
        """Give a file another path; what was there is gone."""
        ...


class Place(Protocol):
    """Where files lie."""

    def open(self) -> AbstractContextManager[Files]:
        """Come to the files, and leave them afterwards. Raises PlaceAwayError."""
        ...


class Directory:
    """A folder of this machine, which may be a mount."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def open(self) -> Iterator[Files]:
        """Come to the files."""
        try:
            yield DirectoryFiles(self._root)
        except OSError as error:
            raise PlaceAwayError(error) from error


class DirectoryFiles:
    """The files below a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def make(self, folder: str) -> None:
        """Make a folder where there is none."""
        (self._root / folder).mkdir(parents=True, exist_ok=True)

    def names(self, folder: str) -> Sequence[str]:
        """Name a folder's text files, sorted."""
        found = (path.name for path in (self._root / folder).glob(f"*{TEXT_FILE}"))
        return sorted(name for name in found if is_whole(name))

    def see(self, path: str) -> Seen | None:
        """Look at a file."""
        try:
            found = (self._root / path).stat()
        except FileNotFoundError:
            return None
        return Seen(found.st_size, time() - found.st_mtime)

    def read(self, path: str) -> bytes:
        """Read a file."""
        return (self._root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Write a file whole; it lasts when the machine fails."""
        part = self._root / part_of(path)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._root / path)

    def move(self, path: str, to: str) -> None:
        """Give a file another path."""
        (self._root / path).replace(self._root / to)


def part_of(path: str) -> str:
    """Name a file while it is being written: beside its place, and hidden."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.part"


def is_whole(name: str) -> bool:
    """Tell a text file from what is hidden while it is being written."""
    return name.endswith(TEXT_FILE) and not name.startswith(".")
