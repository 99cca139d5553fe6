"""Write lists as PostgreSQL arrays quickly: psycopg takes each element by itself, pages have thousands."""

from datetime import date
from types import NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.array import ListDumper


class PageDumper(ListDumper):
    """Writes a list of ids, numbers, days, flags or texts in one go, and any other one as psycopg does."""

    def dump(self, obj: list[Any]) -> Any:
        """Write a list in PostgreSQL's text form."""
        kinds = set(map(type, obj))
        if kinds == {str}:
            return _texts(obj)
        if kinds == {UUID}:
            return ("{" + ",".join([one.hex for one in obj]) + "}").encode()
        if kinds - {NoneType} in _PLAIN:
            return ("{" + ",".join(["NULL" if one is None else str(one) for one in obj]) + "}").encode()
        return super().dump(obj)


_PLAIN: tuple[set[type], ...] = ({int}, {date}, {bool}, {UUID}, set())


def _texts(texts: list[str]) -> bytes:
    joined = '","'.join(texts)
    # Each text is quoted; only quotes and backslashes within mean something there.
    if "\\" in joined or joined.count('"') != 2 * (len(texts) - 1):
        joined = '","'.join([one.replace("\\", "\\\\").replace('"', '\\"') for one in texts])
    return f'{{"{joined}"}}'.encode()


def register() -> None:
    """Let every connection write lists so."""
    psycopg.adapters.register_dumper(list, PageDumper)
