"""What the operator sees: tables, amounts, days; data is never taken for markup or for control characters."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from boss_kit.money import Money
from boss_kit.rpc.convert import money_from_proto

PIPE_WIDTH = 200
"""A table that isn't read on a screen isn't cut to one."""
GAP = 2
"""Between columns."""
_WORD = re.compile(r"^\s*\S+|\S+")


class Screen(Console):
    """A console on which a table may be wider than the window: rather a long line than a number broken in two."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; a table gets the room its numbers and longest words need, and its longer texts what is left."""
        for one in objects:
            if isinstance(one, Table):
                self.width = max(self.width, _fit(one, self.width))
        super().print(*objects, **options)


def _fit(one: Table, width: int) -> int:
    """Fix the widths of a table's columns; give the width of all together."""
    rooms, wishes = [], []
    for column in one.columns:
        texts = [str(column.header), *map(str, column.cells)]
        wish = max(map(cell_len, texts), default=0)
        words = [word for text in texts for word in _WORD.findall(text)]
        rooms.append(wish if column.no_wrap else max(map(cell_len, words), default=0))
        wishes.append(wish)
    widths = share_room(rooms, wishes, width - GAP * len(rooms))
    for column, room in zip(one.columns, widths, strict=True):
        column.width = room
    return sum(widths) + GAP * len(widths)


def share_room(rooms: Sequence[int], wishes: Sequence[int], width: int) -> list[int]:
    """Give each column its room, and what is left to those that lack least of their wish, first."""
    widths, left = list(rooms), width - sum(rooms)
    for place in sorted(range(len(rooms)), key=lambda place: wishes[place] - rooms[place]):
        more_room = max(0, min(wishes[place] - rooms[place], left))
        widths[place] += more_room
        left -= more_room
    return widths


def out() -> Console:
    """Give the console for answers."""
    return Screen(markup=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def err() -> Console:
    """Give the console for failures and progress."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """Make a table; `right` names the columns of numbers."""
    made = Table(box=None, header_style="bold", padding=(0, GAP, 0, 0))
    for column in columns:
        number = column in right
        # A number that is broken in two can't be read; words can.
        made.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in rows:
        made.add_row(*(clean(str(value)) for value in row))
    return made


def more(limit: int, what: str) -> None:
    """Say that a list was cut."""
    out().print(f"More {what} exist: these are the first {limit:,}; --limit shows more.", style="yellow")


def clean(text: str) -> str:
    """Make control characters visible: what a file or a member's name holds must not drive the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else f"\\x{ord(letter):02x}" for letter in text)


def money(amount: money_pb2.Money) -> str:
    """Write an amount with its currency."""
    return str(money_from_proto(amount)) if amount.currency_code else ""


def short(amount: money_pb2.Money) -> str:
    """Write an amount as `money` does, and nothing at all as a dash."""
    return money(amount) if amount.units or amount.nanos else "-"


def add_up(amounts: Iterable[money_pb2.Money]) -> Mapping[str, Money]:
    """Add amounts up, by currency."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        if amount.currency_code:
            one = money_from_proto(amount)
            sums[one.currency] = sums[one.currency] + one if one.currency in sums else one
    return dict(sorted(sums.items()))


def day(proto: date_pb2.Date) -> str:
    """Write a date as ISO, empty where there is none."""
    return date(proto.year, proto.month, proto.day).isoformat() if proto.year else ""


def time(proto: Timestamp) -> str:
    """Write an instant in UTC, empty where there is none."""
    return proto.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S") if proto.seconds else ""


def yes_no(*, value: bool) -> str:
    """Write a flag."""
    return "yes" if value else "no"


def to_date(value: date) -> date_pb2.Date:
    """Write the day of an option."""
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)
