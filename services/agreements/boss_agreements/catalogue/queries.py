"""Read entries of the catalogue."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from boss_agreements.catalogue.rules import Entry, EntryName
from boss_agreements.catalogue.store import Shelf
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction

E = TypeVar("E", bound=Entry)


def get(tx: Transaction, shelf: Shelf[E], name: EntryName) -> E:
    """Read an entry by a name of its owner, or of a unit that sees it. Raises NotFound."""
    found = shelf.find(tx.connection, name)
    if found is None:
        raise not_found(shelf.noun, name.id)
    return found


def get_visible(tx: Transaction, shelf: Shelf[E], enterprise_id: UUID, unit_id: UUID | None, entry_id: UUID) -> E:
    """Read an entry that a unit sees: its own or the enterprise's. Raises NotFound."""
    found = shelf.visible(tx.connection, enterprise_id, unit_id, [entry_id]).get(entry_id)
    if found is None:
        raise not_found(shelf.noun, entry_id)
    return found


def list_page(
    tx: Transaction,
    shelf: Shelf[E],
    parent: EntryName,
    after: tuple[str, UUID] | None,
    limit: int,
    *,
    show_inactive: bool,
    only: Sequence["sa.ColumnElement[bool]"] = (),
) -> Sequence[E]:
    """Read a page of what a parent sees, or of what of it meets some criteria, by name."""
    return shelf.page(tx.connection, parent, after, limit, inactive=show_inactive, only=only)


def not_found(noun: str, entry_id: UUID) -> NotFound:
    """Make the error for a missing entry."""
    key = noun.replace(" ", "_")
    return NotFound(
        f"{key.upper()}_NOT_FOUND",
        f"There is no {noun} {entry_id} here; list what there is, inactive ones too.",
        metadata={f"{key}_id": str(entry_id)},
    )
