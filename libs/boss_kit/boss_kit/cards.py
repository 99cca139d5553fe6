"""Finds what looks like a payment card number (SPEC 0): no field of BOSS may hold one."""

import re
from collections.abc import Iterator, Sequence

DIGITS_MIN = 13
DIGITS_MAX = 19

_SEPARATOR = "[ \\-\u00a0\u2010-\u2015]"
_RUN = re.compile(rf"(?<![\w])\d+(?:{_SEPARATOR}\d+)*(?![\w])")
_SEPARATORS = re.compile(_SEPARATOR)
_HEX = "[0-9A-Fa-f]"
_UUID_SHAPE = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_DATE_SHAPE = r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
# Parts of UUIDs and two dates in a row have the shape of a card number, and one in ten the right check digit.
_HARMLESS = re.compile(rf"(?<!\w)(?:{_UUID_SHAPE}|{_DATE_SHAPE})(?!\w)")

_UUID = re.compile(_UUID_SHAPE)
_NAME = re.compile(rf"[A-Za-z]+/{_UUID_SHAPE}(?:/[A-Za-z]+/{_UUID_SHAPE})*")
_TOKEN = re.compile(r"tok_[A-Za-z0-9_]+")
_PHONE = re.compile(r"\+[1-9](?:[ \-().]{0,2}\d){6,14}")
_LOOSE_RUN = re.compile(rf"\d(?:{_SEPARATOR}?\d){{{DIGITS_MIN - 1},}}")

_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_DIGITS_ENOUGH = b"0" * DIGITS_MIN

_CARD_GROUPS = ((4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4))


def find_card_number(text: str) -> str | None:
    """Give the first card number in a text, as it is written there, or None.

    A card number has 13 to 19 digits, with single spaces or dashes between them, a right check digit, and touches no
    letter, digit or `_`.
    """
    if len(text) < DIGITS_MIN:
        return None
    for run in _RUN.finditer(_HARMLESS.sub(".", text)):
        for candidate in _candidates(run.group()):
            if _passes_luhn(candidate):
                return candidate
    return None


def field_holds_card_number(field: str, value: str) -> bool:
    """Tell whether a named field holds a card number; ids, names, tokens and phones in their own format never do."""
    if len(value) < DIGITS_MIN or _has_own_format(field, value):
        return False
    if field.endswith("token") and not field.endswith("page_token") and _find_anywhere(value):
        return True
    return find_card_number(value) is not None


def has_digits_enough(text: str) -> bool:
    """Tell whether a text needs a closer look, which few do: without digits enough in a row it holds no card number."""
    return not text.isascii() or _DIGITS_ENOUGH in _digits_alike(text)


def any_holds_card_number(field: str, values: Sequence[str]) -> bool:
    """Tell whether one of many values of a named field does; none of them may hold a NUL."""
    joined = "\0".join(values)
    if len(values) < 2 or not joined.isascii():
        return any(has_digits_enough(value) and field_holds_card_number(field, value) for value in values)
    parts = zip(_digits_alike(joined).split(b"\0"), values, strict=True)
    return any(_DIGITS_ENOUGH in row and field_holds_card_number(field, value) for row, value in parts)


def redact(text: str) -> str:
    """Put `[card number]` where a text holds one."""
    while (found := find_card_number(text)) is not None:
        text = text.replace(found, "[card number]")
    return text


def _digits_alike(text: str) -> bytes:
    return text.encode("ascii").translate(_DIGITS_ALIKE, b" -")


def _has_own_format(field: str, value: str) -> bool:
    if _UUID.fullmatch(value) or _NAME.fullmatch(value):
        return True
    if field.endswith("token"):
        return _TOKEN.fullmatch(value) is not None
    return ("phone" in field or "caller" in field) and _PHONE.fullmatch(value) is not None


def _candidates(run: str) -> Iterator[str]:
    """Give the whole run, and in a longer one each part that is grouped like a card: `4111111111111111 12 27`."""
    yield run
    groups = list(re.finditer(r"\d+", run))
    for start in range(len(groups)):
        if DIGITS_MIN <= len(groups[start].group()) <= DIGITS_MAX:
            yield groups[start].group()
        for shape in _CARD_GROUPS:
            part = groups[start : start + len(shape)]
            if tuple(len(group.group()) for group in part) == shape:
                yield run[part[0].start() : part[-1].end()]


def _find_anywhere(text: str) -> bool:
    """Look for a card number that touches letters, too: nothing else belongs into a token field."""
    return any(_passes_luhn(run.group()) for run in _LOOSE_RUN.finditer(text))


def _passes_luhn(candidate: str) -> bool:
    digits = [int(digit) for digit in _SEPARATORS.sub("", candidate)]
    if not DIGITS_MIN <= len(digits) <= DIGITS_MAX or not any(digits):
        return False
    total = sum(digits[-1::-2])
    for digit in digits[-2::-2]:
        total += sum(divmod(digit * 2, 10))
    return total % 10 == 0
