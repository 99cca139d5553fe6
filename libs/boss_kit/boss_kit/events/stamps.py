"""Serialize what differs in a few texts only: the first by protobuf, the others as copies with texts of their own.

Protobuf writes a text as its length and its bytes. So two messages that differ in nothing but texts of the same
lengths are the same bytes but for those texts, and a copy costs a third of what it costs to make a message.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

TEXTS_MAX = 60
T = TypeVar("T")
Write = Callable[[T, Sequence[str]], bytes]
_Form = tuple[list[bytes], Callable[[list[bytes]], Any]]


class Stamps:
    """Knows the forms of the messages it has seen twice; one that comes once isn't worth a form."""

    def __init__(self) -> None:
        self._forms: dict[tuple[object, ...], _Form] = {}
        self._seen: set[tuple[object, ...]] = set()

    def stamp(self, same: object, texts: Sequence[str], write: Write[T], of: T) -> bytes:
        """Give what `write(of, texts)` gives, of which nothing but `same` and texts may depend on `of`.

        `write` may do with texts what doesn't depend on their content: put them together and into fields.
        """
        bodies = [text.encode() for text in texts]
        key = (same, *map(len, bodies))
        form = self._forms.get(key)
        if form is not None:
            fixed, put_in_order = form
            return b"".join(put_in_order(fixed + bodies))
        if key not in self._seen:
            self._seen.add(key)
        elif len(texts) <= TEXTS_MAX:
            self._forms[key] = _form(list(map(len, bodies)), lambda made_up: write(of, made_up))
        return write(of, texts)


def _form(lengths: Sequence[int], write: Callable[[Sequence[str]], bytes]) -> _Form:
    """Find the texts' places: those where two messages of different texts differ, each telling which text it is."""
    one, other = (
        write([chr(2 * number + shift) * length for number, length in enumerate(lengths)]) for shift in (1, 2)
    )
    # A getter of one place alone would give what is there, and not a tuple of it.
    fixed, order = [b""], [0]
    place = start = 0
    while place < len(one):
        if one[place] == other[place]:
            place += 1
            continue
        number = one[place] // 2
        order += [len(fixed), ~number]
        fixed.append(one[start:place])
        place = start = place + lengths[number]
    order.append(len(fixed))
    fixed.append(one[start:])
    places = [place if place >= 0 else len(fixed) + ~place for place in order]
    return fixed, itemgetter(*places)
