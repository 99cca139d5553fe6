"""The texts of a message, read in columns: a thousand records cost little more than one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

Column = tuple[str, Sequence[str]]
"""A field's name and all that stands in fields of that place."""

_Part = tuple[Any, Descriptor]


@dataclass(frozen=True)
class _Shape:
    """Where a type of message has its texts: each part is read from all messages of the type at once."""

    texts: Sequence[tuple[str, Any]]
    text_lists: Sequence[tuple[str, Any]]
    parts: Sequence[tuple[str, Descriptor]]
    part_lists: Sequence[_Part]
    maps: Sequence[tuple[str, Any, Descriptor | None]]


def columns_of(message: Message, *, deep: bool = True) -> list[Column]:
    """Give every text of a message by its field; with `deep=False` leave out those of messages within it."""
    columns: list[Column] = []
    _read(message.DESCRIPTOR, (message,), columns, deep=deep)
    return columns


def _read(descriptor: Any, messages: Sequence[Any], columns: list[Column], *, deep: bool) -> None:
    shape = _shape(descriptor)
    for name, get in shape.texts:
        columns.append((name, [*map(get, messages)]))
    for name, get in shape.text_lists:
        columns.append((name, _flat(map(get, messages))))
    if not deep:
        return
    for name, inner in shape.parts:
        if within := [getattr(one, name) for one in messages if one.HasField(name)]:
            _read(inner, within, columns, deep=True)
    for get, inner in shape.part_lists:
        if within := _flat(map(get, messages)):
            _read(inner, within, columns, deep=True)
    for name, get, of_values in shape.maps:
        _read_maps(name, [*map(get, messages)], of_values, columns)


def _read_maps(name: str, maps: Sequence[Any], of_values: Descriptor | None, columns: list[Column]) -> None:
    values = [value for one in maps for value in one.values()]
    columns.append((name, [text for text in (*_flat(maps), *values) if isinstance(text, str)]))
    if of_values is not None and values:
        _read(of_values, values, columns, deep=True)


def _flat(lists: Iterable[Iterable[Any]]) -> list[Any]:
    return [item for one in lists for item in one]


@cache
def _shape(descriptor: Descriptor) -> _Shape:
    fields = descriptor.fields
    texts = [field for field in fields if field.type == FieldDescriptor.TYPE_STRING]
    inner = [(field, field.message_type) for field in fields if field.message_type is not None]
    maps = [(field, entry) for field, entry in inner if entry.GetOptions().map_entry]
    parts = [
        (field, part) for field, part in inner if not part.GetOptions().map_entry and _leads_to_text(part, frozenset())
    ]
    return _Shape(
        [(field.name, attrgetter(field.name)) for field in texts if not field.is_repeated],
        [(field.name, attrgetter(field.name)) for field in texts if field.is_repeated],
        [(field.name, part) for field, part in parts if not field.is_repeated],
        [(attrgetter(field.name), part) for field, part in parts if field.is_repeated],
        [(field.name, attrgetter(field.name), entry.fields_by_name["value"].message_type) for field, entry in maps],
    )


def _leads_to_text(descriptor: Descriptor, above: frozenset[str]) -> bool:
    """Tell whether a message can hold a text at all: a date or a time can't."""
    if descriptor.full_name in above:
        return False
    inside = above | {descriptor.full_name}
    return any(
        field.type == FieldDescriptor.TYPE_STRING
        or (field.message_type is not None and _leads_to_text(field.message_type, inside))
        for field in descriptor.fields
    )
