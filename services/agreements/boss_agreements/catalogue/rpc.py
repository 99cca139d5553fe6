"""The same four calls for every noun of the catalogue: create, get, list, update."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from boss_agreements.catalogue import commands, queries
from boss_agreements.catalogue.convert import entry_of, parent_of
from boss_agreements.catalogue.rules import Entry, EntryName, Head
from boss_agreements.catalogue.store import Shelf
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

E = TypeVar("E", bound=Entry)
P = TypeVar("P", bound=Any)
L = TypeVar("L", bound=Message)


class Counter(Generic[E, P]):
    """Serves one noun; its servicer says what is a proto and what is an entry.

    `complete` adds to what is read what only its reader's own are.
    """

    def __init__(
        self,
        door: Door,
        shelf: Shelf[E],
        collection: str,
        write: Callable[[E], P],
        check: Callable[[Transaction, E], E],
        complete: Callable[[Transaction, EntryName, Sequence[E], Sequence[P]], None] | None = None,
    ) -> None:
        self._door, self._shelf, self._collection = door, shelf, collection
        self._write, self._check, self._complete = write, check, complete

    def create(self, request: Any, make: Callable[[Head], E]) -> P:
        """Make an entry."""
        parent = parent_of(request.parent)
        return self._door.command(
            request, lambda tx: self._write(commands.create(tx, self._shelf, parent, make, self._check))
        )

    def update(self, request: Any, asked: P, field: str, make: Callable[[Head], E]) -> P:
        """Replace an entry."""
        name = entry_of(asked.name, self._collection, f"{field}.name")
        return self._door.command(
            request, lambda tx: self._write(commands.update(tx, self._shelf, name, asked.etag, make, self._check))
        )

    def get(self, request: Any) -> P:
        """Read an entry."""
        name = entry_of(request.name, self._collection)
        return self._door.query(request, lambda tx: self._written(tx, name, [queries.get(tx, self._shelf, name)])[0])

    def list(self, request: Any, answer: Callable[[Sequence[P], str], L]) -> L:
        """List what a parent sees."""
        parent = parent_of(request.parent)
        filters = (self._collection, request.parent, request.show_inactive)
        page = open_page(request.page_size, request.page_token, filters=filters)
        after: Any = page.key(str, UUID)

        def read(tx: Transaction) -> L:
            found = queries.list_page(tx, self._shelf, parent, after, page.limit, show_inactive=request.show_inactive)
            rows, token = page.cut(found, lambda entry: (entry.name, entry.id))
            return answer(self._written(tx, parent, rows), token)

        return self._door.query(request, read)

    def _written(self, tx: Transaction, reader: EntryName, entries: Sequence[E]) -> Sequence[P]:
        """Write entries for who reads them."""
        written = [self._write(one) for one in entries]
        if self._complete is not None:
            self._complete(tx, reader, entries, written)
        return written
