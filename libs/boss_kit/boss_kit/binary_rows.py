"""Write rows in the binary form of COPY, a column at a time: there are thousands, and most columns repeat one value."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain, islice, repeat
from operator import is_
from typing import Any

Rows = Iterable[Sequence[object]]
Encode = Callable[[Sequence[Any]], Iterable[bytes]]

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
ROWS_AT_ONCE = 250
"""So that a part fits into the cache and into the driver's buffer; big rows go one by one."""
FEW = 4
"""Texts of which each comes so many times on average are written once each."""
NULL = b"\xff\xff\xff\xff"
_UUID_LENGTH = b"\x00\x00\x00\x10"
_DAY_ZERO = date(2000, 1, 1).toordinal()
_TIME_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_length = struct.Struct("!i").pack
_short, _integer, _long = (struct.Struct(f"!i{code}").pack for code in "hiq")
_BOOLEANS = {None: NULL, False: b"\x00\x00\x00\x01\x00", True: b"\x00\x00\x00\x01\x01"}


def can_write(types: Iterable[str]) -> bool:
    """Tell whether all of these types are known here."""
    return all(name in _ENCODERS for name in types)


def write_rows(types: Sequence[str], rows: Rows, rows_at_once: int = ROWS_AT_ONCE) -> Iterator[tuple[int, bytes]]:
    """Write rows of columns of such types, a part after the other: how many rows it has, and its bytes."""
    encoders = [_ENCODERS[name] for name in types]
    width = struct.pack("!h", len(types))
    yield 0, SIGNATURE
    remaining = iter(rows)
    while part := list(islice(remaining, rows_at_once)):
        columns = zip(*part, strict=True)
        fields = zip(*_fields(width, encoders, columns), strict=False)
        yield len(part), b"".join(chain.from_iterable(islice(fields, len(part))))
    yield 0, TRAILER


def _fields(width: bytes, encoders: Sequence[Encode], columns: Iterable[Sequence[Any]]) -> Iterator[Iterable[bytes]]:
    """Write columns one by one; those behind each other that are the same in all rows are one."""
    same = width
    for encode, values in zip(encoders, columns, strict=True):
        first = values[0]
        if all(map(is_, values, repeat(first))):
            same += next(iter(encode([first])))
            continue
        yield repeat(same)
        yield encode(values)
        same = b""
    yield repeat(same)


def write_ids(values: Sequence[Any]) -> list[bytes]:
    """Write ids, some of which may be none: their lengths and their bytes, as rows and arrays have them."""
    return [NULL if one is None else _UUID_LENGTH + one.int.to_bytes(16, "big") for one in values]


def _texts(values: Sequence[Any]) -> Iterable[bytes]:
    different = set(values)
    if len(different) * FEW <= len(values):
        known = dict(zip(different, _each_text(different), strict=True))
        return [known[one] for one in values]
    return _each_text(values)


def _each_text(values: Iterable[Any]) -> list[bytes]:
    encoded = [None if one is None else one.encode() for one in values]
    return [NULL if one is None else _length(len(one)) + one for one in encoded]


def _bytes(values: Sequence[Any]) -> Iterable[bytes]:
    return [NULL if one is None else _length(len(one)) + bytes(one) for one in values]


def _booleans(values: Sequence[Any]) -> Iterable[bytes]:
    return [_BOOLEANS[one] for one in values]


def _numbers(size: int, pack: Callable[[int, int], bytes]) -> Encode:
    return lambda values: [NULL if one is None else pack(size, one) for one in values]


def _dates(values: Sequence[Any]) -> Iterable[bytes]:
    known: dict[date | None, bytes] = {one: _integer(4, one.toordinal() - _DAY_ZERO) for one in set(values) - {None}}
    known[None] = NULL
    return [known[one] for one in values]


def _times(values: Sequence[Any]) -> Iterable[bytes]:
    known = {one: _long(8, (one - _TIME_ZERO) // _MICROSECOND) for one in set(values) - {None}}
    known[None] = NULL
    return [known[one] for one in values]


_ENCODERS: dict[str, Encode] = {
    "uuid": write_ids,
    "text": _texts,
    "bytea": _bytes,
    "boolean": _booleans,
    "smallint": _numbers(2, _short),
    "integer": _numbers(4, _integer),
    "bigint": _numbers(8, _long),
    "date": _dates,
    "timestamptz": _times,
}
