"""Where an embedded installation keeps its files."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
# As root the database runs as a user of its own, who can't look into a home directory.
_SHARED_PLACE = Path("/var/tmp")


def folder_default(purpose: str) -> Path:
    """Give the folder of this checkout for a purpose such as `demo`."""
    mark = hashlib.sha256(str(_CHECKOUT).encode()).hexdigest()[:8]
    return _SHARED_PLACE / f"boss-{purpose}-{os.geteuid()}-{mark}"


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
        """The database's own files."""
        return self.folder / "postgres"

    def wipe(self) -> None:
        """Remove what an earlier installation left here."""
        for place in (self.messages, self.keys, self.postgres):
            shutil.rmtree(place, ignore_errors=True)

    def make(self) -> None:
        """Make the folders."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for place in (self.messages, self.keys):
            place.mkdir(exist_ok=True)
