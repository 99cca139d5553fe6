"""Resource names (AIP-122): `enterprises/{e}/businessUnits/{b}/accounts/{a}` with UUIDs as ids."""

import re
from functools import lru_cache
from uuid import UUID

from boss_kit.errors import InvalidArgument

_PLACE = re.compile(r"\{(\w+)\}")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(lambda place: f"(?P<{place[1]}>{_UUID})", pattern))


def parse(pattern: str, name: str, field: str = "name") -> dict[str, UUID]:
    """Take the ids out of a resource name. Raises InvalidArgument when the name doesn't have the pattern's form."""
    match = _matcher(pattern).fullmatch(name)
    if match is None:
        raise InvalidArgument.field(field, f"{name[:120]!r} is not of the form {pattern}.", "INVALID_NAME")
    return {key: _id(value) for key, value in match.groupdict().items()}


# The names of a page share their enterprise, unit and account.
@lru_cache(maxsize=4096)
def _id(text: str) -> UUID:
    return UUID(text)


def format_name(pattern: str, **ids: UUID) -> str:
    """Put ids into a pattern."""
    return pattern.format(**ids)


def covers(node: str, name: str) -> bool:
    """Tell whether a resource name is the node or lies below it."""
    return name == node or name.startswith(node + "/")
