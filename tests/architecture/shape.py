"""The one shape of the five services."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from tests.architecture.layers import PARTS

SERVICE_ENTRIES = frozenset({"README.md", "pyproject.toml", "tests"})
TOP_FILES = frozenset(
    [
        "__init__.py",
        "__main__.py",
        "app.py",
        "clients.py",
        "events.py",
        "jobs.py",
        "py.typed",
        "settings.py",
        "subscriptions.py",
    ]
)
ROOM_FILES = frozenset({"__init__", "rules", "store", "commands", "process", "queries", "rpc", "convert", "webhook"})
# Folders that aren't rooms.
_OTHER_FOLDERS = frozenset({"adapters", "data", "migrations"})


def check(service: str, outside: AbstractSet[str], inside: AbstractSet[PurePosixPath]) -> Iterator[str]:
    """Give what differs, from the entries of a service's folder and the files of its package."""
    for missing in sorted(SERVICE_ENTRIES - outside):
        yield f"{service}: lacks {missing}"
    if "__init__.py" in outside:
        yield f"{service}: its folder must not be a package: `collections` would hide the standard library's"
    tops = {path.name for path in inside if len(path.parts) == 1}
    for missing in sorted(TOP_FILES - tops):
        yield f"{service}: lacks {missing}"
    for odd in sorted(tops - TOP_FILES):
        yield f"{service}: {odd} isn't a file every service has"
    if not any(path.parts[0] == "migrations" for path in inside):
        yield f"{service}: lacks migrations/"
    yield from _rooms(service, inside)


def _rooms(service: str, inside: AbstractSet[PurePosixPath]) -> Iterator[str]:
    rooms: dict[str, set[str]] = {}
    for path in inside:
        if len(path.parts) > 1 and path.parts[0] not in _OTHER_FOLDERS:
            rooms.setdefault(path.parts[0], set()).add("/".join(path.parts[1:]))
    for room, files in sorted(rooms.items()):
        if "__init__.py" not in files:
            yield f"{service}/{room}: lacks __init__.py"
        for file in sorted(files):
            stem = file.removesuffix(".py")
            if file.endswith(".py") and stem not in ROOM_FILES and f"{service}/{room}/{stem}" not in PARTS:
                yield f"{service}/{room}/{file}: no room has such a file"
