"""What all entries have in common, to and from protos: their names and their first fields."""

from typing import Any
from uuid import UUID

from boss_agreements.catalogue.rules import Entry, EntryName, Head
from boss_kit import names
from boss_kit.rpc.convert import time_to_proto

ENTERPRISE = "enterprises/{e}"
UNIT = "enterprises/{e}/businessUnits/{b}"
NOBODY = UUID(int=0)


def parent_of(name: str, field: str = "parent") -> EntryName:
    """Read an owner: an enterprise or one of its units. Raises InvalidArgument."""
    ids = names.parse(UNIT if "/businessUnits/" in name else ENTERPRISE, name, field)
    return EntryName(ids["e"], ids.get("b"), NOBODY)


def entry_of(name: str, collection: str, field: str = "name") -> EntryName:
    """Read an entry's name: `enterprises/{e}/items/{i}`, or below a unit. Raises InvalidArgument."""
    owner = UNIT if "/businessUnits/" in name else ENTERPRISE
    ids = names.parse(f"{owner}/{collection}/{{i}}", name, field)
    return EntryName(ids["e"], ids.get("b"), ids["i"])


def id_of(name: str, collection: str, field: str) -> UUID | None:
    """Read the id of an entry that may be left out. Raises InvalidArgument."""
    return entry_of(name, collection, field).id if name else None


def name_of(entry: Entry, collection: str) -> str:
    """Write an entry's name."""
    return name_at(entry.enterprise_id, entry.business_unit_id, collection, entry.id)


def name_at(enterprise_id: UUID, unit_id: UUID | None, collection: str, entry_id: UUID | None) -> str:
    """Write the name of what an owner has, or nothing."""
    if entry_id is None:
        return ""
    owner = f"enterprises/{enterprise_id}" + (f"/businessUnits/{unit_id}" if unit_id else "")
    return f"{owner}/{collection}/{entry_id}"


def header(entry: Entry, collection: str) -> dict[str, Any]:
    """Write the fields that every entry's proto begins with."""
    return {
        "name": name_of(entry, collection),
        "display_name": entry.name,
        "description": entry.description,
        "inactive": not entry.active,
        "etag": str(entry.version),
        "create_time": time_to_proto(entry.create_time),
    }


def given(head: Head, message: Any) -> dict[str, Any]:
    """Read the fields that every entry's proto begins with."""
    words = {"name": message.display_name, "description": message.description, "active": not message.inactive}
    return vars(head) | words


def on_unless_said(message: Any, field: str) -> bool:
    """Read a flag that is on where nobody says anything."""
    return bool(getattr(message, field)) if message.HasField(field) else True
