"""What may stand in a request: readable text, no card numbers, and what the proto's own rules say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from boss_kit.cards import any_holds_card_number, field_holds_card_number, has_digits_enough
from boss_kit.errors import FieldViolation, InvalidArgument
from boss_kit.rpc.texts import Column, columns_of

VIOLATIONS_MAX = 50
SPOKEN_MAX = 3
CARD_TEXT = "holds what looks like a card number; only processor tokens and the last four digits may be kept here."
NUL_TEXT = "holds a NUL character, which no text may."
_TEXTS = {
    "required": "is required.",
    "string.uuid": "must be a UUID, such as 0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f.",
    "string.uuid_empty": "must be a UUID, such as 0190b5a2-7c1e-7d3a-9f00-3a5b6c7d8e9f; it is empty.",
    "enum.defined_only": "isn't one of the values this field knows.",
    "enum.not_in": "is not set; name one of its values.",
}


@dataclass(frozen=True)
class Text:
    """One string of a message: where it is, which field it belongs to, what it says."""

    path: str
    field: str
    value: str


def texts_of(message: Message, *, deep: bool = True, prefix: str = "") -> Iterator[Text]:
    """Give every string of a message; with `deep=False` leave out those of messages within it."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.type == FieldDescriptor.TYPE_STRING:
            values = enumerate(value) if field.is_repeated else None
            if values is None:
                yield Text(path, field.name, value)
            else:
                yield from (Text(f"{path}[{index}]", field.name, item) for index, item in values)
        elif deep and field.type == FieldDescriptor.TYPE_MESSAGE:
            yield from _texts_below(field, value, path)


def _texts_below(field: FieldDescriptor, value: Any, path: str) -> Iterator[Text]:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        for key, item in value.items():
            if isinstance(key, str):
                yield Text(f"{path}[{key[:40]!r}]", field.name, key)
            if isinstance(item, str):
                yield Text(f"{path}[{key!r}]", field.name, item)
            elif isinstance(item, Message):
                yield from texts_of(item, prefix=f"{path}[{key!r}].")
    elif field.is_repeated:
        for index, item in enumerate(value):
            yield from texts_of(item, prefix=f"{path}[{index}].")
    else:
        yield from texts_of(value, prefix=f"{path}.")


def check_texts(texts: Sequence[Text]) -> list[FieldViolation]:
    """List the strings that hold a card number or can't be stored."""
    found = []
    for text in texts:
        if "\0" in text.value:
            found.append(FieldViolation(text.path, NUL_TEXT))
        elif field_holds_card_number(text.field, text.value):
            found.append(FieldViolation(text.path, CARD_TEXT))
    return found


def are_clean(columns: Sequence[Column]) -> bool:
    """Tell whether no text holds what `check_texts` refuses: the same answer at a glance, without the places."""
    texts = [text for _, values in columns for text in values]
    joined = "\0".join(texts)
    if joined.count("\0") >= max(1, len(texts)):
        return False
    return not (has_digits_enough(joined) and any(any_holds_card_number(name, values) for name, values in columns))


def check_rules(message: Message) -> list[FieldViolation]:
    """List what the message's protovalidate rules refuse, in words for a person."""
    return [_violation(found.proto) for found in protovalidate.collect_violations(message)]


def check_record(record: Message) -> list[FieldViolation]:
    """List all that is wrong with one record of an import, whose refusal must not refuse the others."""
    clean = are_clean(columns_of(record))
    return ([] if clean else check_texts(list(texts_of(record)))) or check_rules(record)


def refuse(violations: Sequence[FieldViolation]) -> None:
    """Raise InvalidArgument where there are violations."""
    if not violations:
        return
    shown = list(violations)[:VIOLATIONS_MAX]
    reason = "CARD_NUMBER" if any(found.description == CARD_TEXT for found in shown) else "INVALID_FIELD"
    message = "; ".join(f"{found.field} {found.description.rstrip('.')}" for found in shown[:SPOKEN_MAX]) + "."
    if len(violations) > SPOKEN_MAX:
        message += f" And {len(violations) - SPOKEN_MAX} more."
    raise InvalidArgument(reason, message, metadata={"field": shown[0].field}, violations=shown)


def _violation(found: Any) -> FieldViolation:
    rule_id = found.rule_id or ""
    text = _TEXTS.get(rule_id)
    if text is None and rule_id == "string.min_len" and found.message.startswith("must be at least 1 "):
        text = "must not be empty."
    if text is None:
        sentence = found.message or f"breaks the rule {rule_id}"
        text = sentence.replace("value is ", "is ", 1).rstrip(".") + "."
    return FieldViolation(_path(found) or "request", text)


def _path(found: Any) -> str:
    path = ""
    for element in found.field.elements if found.field is not None else ():
        path += ("." if path else "") + (element.field_name or "")
        if element.subscript is not None:
            path += f"[{element.subscript.value!r}]"
    return path
