"""Make and change entries of the catalogue."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from boss_agreements.catalogue.queries import not_found
from boss_agreements.catalogue.rules import Entry, EntryName, Head, check_etag
from boss_agreements.catalogue.store import Shelf
from boss_agreements.organization.queries import get_unit
from boss_kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

E = TypeVar("E", bound=Entry)


def create(
    tx: Transaction, shelf: Shelf[E], parent: EntryName, make: Callable[[Head], E], check: Callable[[Transaction, E], E]
) -> E:
    """Make an entry; `check` gives what may be saved. Raises AlreadyExists, NotFound without the unit."""
    if parent.business_unit_id is not None:
        get_unit(tx, parent.enterprise_id, parent.business_unit_id)
    made = check(tx, _named(make(Head(new_id(), parent.enterprise_id, parent.business_unit_id, 1, tx.now))))
    if not shelf.add(tx.connection, made):
        raise _taken(shelf.noun, made)
    return made


def update(
    tx: Transaction,
    shelf: Shelf[E],
    name: EntryName,
    etag: str,
    make: Callable[[Head], E],
    check: Callable[[Transaction, E], E],
) -> E:
    """Replace an entry as a whole, from its owner.

    Raises NotFound, Aborted for an older etag, AlreadyExists for a name in use, FailedPrecondition SHARED_ENTRY.
    """
    before = shelf.lock(tx.connection, name)
    if before is None:
        raise not_found(shelf.noun, name.id)
    check_owner(shelf.noun, before, name)
    check_etag(before.version, etag)
    head = Head(before.id, before.enterprise_id, before.business_unit_id, before.version, before.create_time)
    after = check(tx, _named(make(head)))
    if after == before:
        return before
    after = replace(after, version=before.version + 1)
    if not shelf.save(tx.connection, after):
        raise _taken(shelf.noun, after)
    return after


def check_owner(noun: str, entry: Entry, name: EntryName) -> None:
    """Refuse that a unit changes what the enterprise shares. Raises FailedPrecondition SHARED_ENTRY."""
    if entry.business_unit_id != name.business_unit_id:
        raise FailedPrecondition(
            "SHARED_ENTRY",
            f"The {noun} {entry.name!r} belongs to the enterprise; change it there, for all units.",
            metadata={"display_name": entry.name},
        )


def _named(entry: E) -> E:
    name = entry.name.strip()
    if not name:
        raise InvalidArgument.field("display_name", "is required.")
    return replace(entry, name=name)


def _taken(noun: str, entry: Entry) -> AlreadyExists:
    return AlreadyExists(
        f"{noun.upper().replace(' ', '_')}_EXISTS",
        f"display_name: there is a {noun} {entry.name!r} already; take another name.",
        metadata={"field": "display_name", "display_name": entry.name},
    )
