"""Tables and SQL that all entries of the catalogue share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from boss_agreements.catalogue.rules import Entry, EntryName

E = TypeVar("E", bound=Entry)


class Records(sa.types.TypeDecorator[Sequence[Any]]):
    """A few small records of one frozen dataclass, kept as JSON beside the entry they are a part of."""

    impl = JSONB
    cache_ok = True

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Sequence[Any] | None, dialect: sa.Dialect) -> Any:
        """Write them."""
        names = [field.name for field in fields(self.kind)]
        return [{name: _plain(getattr(one, name)) for name in names} for one in value or ()]

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Sequence[Any]:
        """Read them."""
        kinds = get_type_hints(self.kind)
        return tuple(self.kind(**{name: _typed(kinds[name], part) for name, part in one.items()}) for one in value)


class Shelf(Generic[E]):
    """The entries of one noun, in a table whose columns are the fields of its dataclass."""

    def __init__(self, noun: str, kind: type[E], table: sa.Table) -> None:
        self.noun = noun
        self.table = table
        self._kind = kind

    def add(self, connection: sa.Connection, entry: E) -> bool:
        """Add an entry; tell whether its name was free."""
        statement = insert(self.table).values(self._values(entry)).on_conflict_do_nothing()
        return connection.scalar(statement.returning(self.table.c.id)) is not None

    def find(self, connection: sa.Connection, name: EntryName) -> E | None:
        """Read an entry by a name of its owner, or of a unit that sees it."""
        return self._one(connection, self._named(name))

    def lock(self, connection: sa.Connection, name: EntryName) -> E | None:
        """Read an entry as `find` does and keep others from changing it."""
        return self._one(connection, self._named(name).with_for_update())

    def save(self, connection: sa.Connection, entry: E) -> bool:
        """Write an entry anew; tell whether its name was free."""
        table = self.table
        taken = sa.select(sa.literal(1)).where(
            table.c.enterprise_id == entry.enterprise_id,
            table.c.business_unit_id.is_not_distinct_from(entry.business_unit_id),
            table.c.name == entry.name,
            table.c.id != entry.id,
        )
        if connection.scalar(taken) is not None:
            return False
        mine = sa.and_(table.c.enterprise_id == entry.enterprise_id, table.c.id == entry.id)
        connection.execute(sa.update(table).where(mine).values(self._values(entry)))
        return True

    def visible(
        self, connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, ids: Collection[UUID]
    ) -> Mapping[UUID, E]:
        """Read the entries of these ids that a unit sees: its own and the enterprise's."""
        if not ids:
            return {}
        query = self._seen(enterprise_id, unit_id).where(self.table.c.id == sa.any_(sa.cast(list(ids), ARRAY(PG_UUID))))
        return {entry.id: entry for entry in self.read(connection, query)}

    def all_visible(
        self, connection: sa.Connection, enterprise_id: UUID, unit_id: UUID | None, *, show_inactive: bool
    ) -> Sequence[E]:
        """Read all entries a unit sees, by name."""
        query = self._seen(enterprise_id, unit_id)
        if not show_inactive:
            query = query.where(self.table.c.active)
        return self.read(connection, query.order_by(self.table.c.name, self.table.c.id))

    def page(
        self,
        connection: sa.Connection,
        parent: EntryName,
        after: tuple[str, UUID] | None,
        limit: int,
        *,
        inactive: bool,
        only: Sequence["sa.ColumnElement[bool]"] = (),
    ) -> Sequence[E]:
        """Read the entries a parent sees after a name and id, those of some criteria; inactive ones when asked for."""
        query = self._seen(parent.enterprise_id, parent.business_unit_id).where(*only)
        if not inactive:
            query = query.where(self.table.c.active)
        if after is not None:
            query = query.where(sa.tuple_(self.table.c.name, self.table.c.id) > sa.tuple_(*map(sa.literal, after)))
        return self.read(connection, query.order_by(self.table.c.name, self.table.c.id).limit(limit))

    def read(self, connection: sa.Connection, query: "sa.Select[Any]") -> Sequence[E]:
        """Read what a query of this table finds."""
        return [self._entry(row) for row in connection.execute(query).mappings()]

    def _entry(self, row: "sa.RowMapping") -> E:
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        return self._kind(**values)

    def _named(self, name: EntryName) -> "sa.Select[Any]":
        return self._seen(name.enterprise_id, name.business_unit_id).where(self.table.c.id == name.id)

    def _seen(self, enterprise_id: UUID, unit_id: UUID | None) -> "sa.Select[Any]":
        owner = self.table.c.business_unit_id
        return sa.select(self.table).where(
            self.table.c.enterprise_id == enterprise_id, sa.or_(owner.is_(None), owner == unit_id)
        )

    def _one(self, connection: sa.Connection, query: "sa.Select[Any]") -> E | None:
        return next(iter(self.read(connection, query)), None)

    def _values(self, entry: E) -> dict[str, Any]:
        return {column.name: getattr(entry, column.name) for column in self.table.columns}


def entry_table(name: str, tables: sa.MetaData, *columns: sa.Column[Any]) -> sa.Table:
    """Make the table of a noun: what every entry has, and its own columns."""
    return sa.Table(
        name,
        tables,
        sa.Column("enterprise_id", PG_UUID, primary_key=True),
        sa.Column("id", PG_UUID, primary_key=True),
        sa.Column("business_unit_id", PG_UUID),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        *columns,
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("enterprise_id", "business_unit_id", "name", postgresql_nulls_not_distinct=True),
    )


def texts() -> Any:
    """Give the type of a column that holds several words."""
    return ARRAY(sa.Text)


def ids() -> Any:
    """Give the type of a column that holds several ids."""
    return ARRAY(PG_UUID)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _typed(kind: Any, value: Any) -> Any:
    return UUID(value) if value is not None and UUID in (kind, *getattr(kind, "__args__", ())) else value
