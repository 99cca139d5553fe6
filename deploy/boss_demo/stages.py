"""Where the demo plays: one embedded process, or the distributed form that is already up."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from boss_allinone.installation import AllInOne
from boss_allinone.places import folder_default
from boss_cli.clients import Clients
from boss_stack import layout
from boss_stack.keys import operator_token

# Long enough for a killed server, broker or database to be back.
UNTIL_ANSWERED_S = 120


@dataclass(frozen=True)
class Stage:
    """An installation to play on."""

    clients: Clients
    folder: Path
    description: str


@contextmanager
def open_stage(folder: Path | None, seed: int, *, distributed: bool) -> Iterator[Stage]:
    """Start an embedded installation on fresh data, or connect to the distributed one in the folder."""
    if distributed:
        found = layout.read(folder or layout.folder_default())
        token = operator_token(found.path / "keys")
        addresses = {service: found.address(service) for service in layout.SERVICES}
        with Clients(addresses, lambda _: token) as clients:
            description = "five services in processes of their own"
            yield Stage(clients.until_answered(UNTIL_ANSWERED_S), found.sandbox, description)
    else:
        lent = nullcontext(folder) if folder else folder_default("demo")
        with lent as place, AllInOne(place, seed=seed) as everything:
            description = "five services, PostgreSQL and a mail catcher in one process"
            yield Stage(everything.clients, everything.places.messages, description)
