"""Who asks, for which enterprise, as part of which story."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from uuid import UUID


@dataclass(frozen=True)
class Actor:
    """Who did it (SPEC 0): from the verified token, never from a request body."""

    user: str
    work_role: str = ""
    location: str = ""
    workstation: str = ""
    approver: "Actor | None" = None

    def to_json(self) -> str:
        """Write the actor as compact JSON with sorted keys."""
        return _written(self)

    @classmethod
    def from_json(cls, text: str) -> "Actor":
        """Read what `to_json` wrote; an empty text is the system."""
        if not text:
            return SYSTEM
        values = json.loads(text)
        approver = values.pop("approver", None)
        return cls(**values, approver=cls(**{**approver, "approver": None}) if approver else None)


@lru_cache(maxsize=1024)
def _written(actor: Actor) -> str:
    # Every event of a page carries its actor, and they are mostly the same one.
    return json.dumps(asdict(actor), sort_keys=True, separators=(",", ":"))


SYSTEM = Actor(user="SYS")


@dataclass(frozen=True)
class Context:
    """What a transaction knows about its caller.

    `nodes` are the resource names the token covers (empty: everything, for the service's own work); `business_date` is
    set for events and jobs and empty for calls, whose day follows from the unit's zone.
    """

    enterprise_id: UUID | None = None
    actor: Actor = SYSTEM
    correlation: str = ""
    causation: str = ""
    traceparent: str = ""
    business_date: date | None = None
    nodes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def on(self, day: date) -> "Context":
        """Give the same context on a business date."""
        return replace(self, business_date=day)
