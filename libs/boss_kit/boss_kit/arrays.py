"""Write lists as PostgreSQL arrays quickly: psycopg takes each element by itself, pages have thousands."""

import struct
from datetime import date
from types import NoneType
from typing import Any

import psycopg
from psycopg import adapters, pq
from psycopg.adapt import PyFormat
from psycopg.types.array import BaseListDumper, ListDumper

from boss_kit.binary_rows import NULL, write_ids

_UUID_OID = adapters.types["uuid"].oid
_UUIDS_OID = adapters.types["uuid"].array_oid
_HEAD = struct.Struct("!iiIii").pack


class PageDumper(ListDumper):
    """Writes a list of ids, numbers, days, flags or texts in one go, and any other one as psycopg does."""

    def upgrade(self, obj: list[Any], format: PyFormat) -> BaseListDumper:  # noqa: A002 - psycopg's own name
        """Choose what writes a list: ids have a way of their own."""
        upgraded = super().upgrade(obj, format)
        return IdsDumper(self.cls, self._tx) if upgraded.oid == _UUIDS_OID else upgraded

    def dump(self, obj: list[Any]) -> Any:
        """Write a list in PostgreSQL's text form."""
        kinds = set(map(type, obj))
        if kinds == {str}:
            return _texts(obj)
        if kinds - {NoneType} in _PLAIN:
            return ("{" + ",".join(["NULL" if one is None else str(one) for one in obj]) + "}").encode()
        return super().dump(obj)


class IdsDumper(ListDumper):
    """Writes a list of ids in PostgreSQL's binary form, which neither side has to spell out and read."""

    format = pq.Format.BINARY
    oid = _UUIDS_OID

    def dump(self, obj: list[Any]) -> bytes:
        """Write a list of ids, some of which may be none."""
        written = write_ids(obj)
        return b"".join([_HEAD(1, NULL in written, _UUID_OID, len(obj), 1), *written])


_PLAIN: tuple[set[type], ...] = ({int}, {date}, {bool}, set())


def _texts(texts: list[str]) -> bytes:
    joined = '","'.join(texts)
    # Each text is quoted; only quotes and backslashes within mean something there.
    if "\\" in joined or joined.count('"') != 2 * (len(texts) - 1):
        joined = '","'.join([one.replace("\\", "\\\\").replace('"', '\\"') for one in texts])
    return f'{{"{joined}"}}'.encode()


def register() -> None:
    """Let every connection write lists so."""
    psycopg.adapters.register_dumper(list, PageDumper)
