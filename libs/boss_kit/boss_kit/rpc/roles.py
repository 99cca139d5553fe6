"""Who may do what: roles as data (`protos/roles.yaml`), permissions as dotted patterns."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

import yaml

SERVICE = "service"
PLATFORM_OPERATOR = "platform_operator"

_DATA = yaml.safe_load(files("boss").joinpath("roles.yaml").read_text(encoding="utf-8"))
RESERVED: Mapping[str, tuple[str, ...]] = {pattern: tuple(roles) for pattern, roles in _DATA["reserved"].items()}
"""What belongs to some roles alone, whatever patterns others hold; the first match decides."""
ROLES: Mapping[str, tuple[str, ...]] = {role: tuple(patterns) for role, patterns in _DATA["roles"].items()}


@lru_cache(maxsize=4096)
def matches(pattern: str, permission: str) -> bool:
    """Tell whether a pattern covers a permission: `things.*`, `*.get`, `*` or the permission itself."""
    if pattern in ("*", permission):
        return True
    if pattern.endswith(".*"):
        return permission.startswith(pattern[:-1])
    if pattern.startswith("*."):
        return permission.endswith(pattern[1:])
    return False


def allows(roles: Iterable[str], permission: str, table: Mapping[str, tuple[str, ...]] = ROLES) -> bool:
    """Tell whether one of the roles may do it; an unknown role may do nothing."""
    roles = tuple(roles)
    for pattern, reserved in RESERVED.items():
        if matches(pattern, permission):
            roles = tuple(role for role in roles if role in reserved)
            break
    return any(matches(pattern, permission) for role in roles for pattern in table.get(role, ()))
