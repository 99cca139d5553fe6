"""Who may do what: roles as data, permissions as dotted patterns."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

SERVICE = "service"
PLATFORM_OPERATOR = "platform_operator"

PROCESSOR = "processor"
PROVIDER = "provider"

# What belongs to some roles alone, whatever patterns others hold; first match decides.
RESERVED: Mapping[str, tuple[str, ...]] = {
    # The switch that turns dunning on (SPEC ARM-1), and what concerns the whole installation.
    "arm.enable": (PLATFORM_OPERATOR,),
    "agreements.enterprises.create": (PLATFORM_OPERATOR,),
    "platform.clock.*": (PLATFORM_OPERATOR,),
    "platform.parkedEvents.*": (PLATFORM_OPERATOR,),
    "platform.tasks.*": (PLATFORM_OPERATOR,),
    # What only machines say to each other: nobody at a desk reports that a payment went through.
    "billing.callbacks.report": (PLATFORM_OPERATOR, SERVICE, PROCESSOR),
    "notifications.callbacks.report": (PLATFORM_OPERATOR, SERVICE, PROVIDER),
    "agreements.dueCharges.*": (PLATFORM_OPERATOR, SERVICE),
    "arm.steps.release": (PLATFORM_OPERATOR, SERVICE),
}

_EVERY_SERVICE = ("agreements.*", "billing.*", "arm.*", "notifications.*", "collections.*")
_LOOK = ("*.get", "*.list", "*.search", "*.preview", "*.watch", "platform.timeline.list")

ROLES: Mapping[str, tuple[str, ...]] = {
    PLATFORM_OPERATOR: ("*",),
    # The five services among themselves.
    SERVICE: (*_EVERY_SERVICE, "platform.status.get", "platform.timeline.list"),
    # Runs the money side of an enterprise.
    "controller": (*_LOOK, "billing.*", "arm.*", "collections.*", "agreements.contacts.update", "notifications.*"),
    # Runs one or several business units.
    "club_manager": (*_LOOK, "agreements.*", "billing.*", "arm.*", "notifications.*", "collections.*"),
    # Sells and helps at the desk.
    "front_desk": (
        *_LOOK,
        "agreements.agreements.create",
        "agreements.agreements.update",
        "agreements.drafts.*",
        "agreements.members.create",
        "agreements.members.update",
        "agreements.contacts.update",
        "agreements.cancellations.request",
        "agreements.suspensions.create",
        "agreements.suspensions.update",
        "agreements.activities.*",
        "billing.payments.create",
        "billing.fundingSources.update",
    ),
    # Works the cases of members who owe.
    "collector": (*_LOOK, "collections.*", "billing.payments.create"),
    # Reads everything of its nodes, changes nothing.
    "auditor": (*_LOOK, "billing.ledger.check"),
    # Reports what became of payments.
    PROCESSOR: ("billing.callbacks.*",),
    # Reports what became of messages.
    PROVIDER: ("notifications.callbacks.*",),
}


@lru_cache(maxsize=4096)
def matches(pattern: str, permission: str) -> bool:
    """Tell whether a pattern covers a permission: `billing.*`, `*.get`, `*` or the permission itself."""
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
