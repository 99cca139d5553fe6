"""Where an embedded installation keeps its files."""

import fcntl
import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
# As root the database runs as a user of its own, who can't look into a home directory.
_SHARED_PLACE = Path("/var/tmp")


@contextmanager
def folder_default(purpose: str) -> Iterator[Path]:
    """Lend the folder of this checkout for a purpose such as `demo`, or the next one while another run has that."""
    mark = hashlib.sha256(str(_CHECKOUT).encode()).hexdigest()[:8]
    for number in itertools.count(1):
        folder = _SHARED_PLACE / "-".join(
            ["boss", purpose, str(os.geteuid()), mark, *([str(number)] if number > 1 else [])]
        )
        folder.mkdir(mode=0o755, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return


@dataclass(frozen=True)
class Places:
    """The folders of one installation."""

    folder: Path

    @property
    def messages(self) -> Path:
        """Emails, letters and calls."""
        return self.folder / "messages"

    @property
    def keys(self) -> Path:
        """Keys and the operator's token."""
        return self.folder / "keys"

    @property
    def postgres(self) -> Path:
        """The database's own files, of this process alone: a killed one's guard may still be removing its own."""
        return self.folder / f"postgres-{os.getpid()}"

    def wipe(self) -> None:
        """Remove what an earlier installation left here."""
        for place in (self.messages, self.keys, *self.folder.glob("postgres-*")):
            shutil.rmtree(place, ignore_errors=True)

    def make(self) -> None:
        """Make the folders."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for place in (self.messages, self.keys):
            place.mkdir(exist_ok=True)
