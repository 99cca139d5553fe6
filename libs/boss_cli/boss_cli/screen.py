"""What the operator sees: tables, amounts, days; data is never taken for markup or for control characters."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, money_pb2
from rich.console import Console
from rich.table import Table

from boss_kit.rpc.convert import money_from_proto

PIPE_WIDTH = 200
"""A table that isn't read on a screen isn't cut to one."""


def out() -> Console:
    """Give the console for answers."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def err() -> Console:
    """Give the console for failures and progress."""
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> Table:
    """Make a table; `right` names the columns of numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(clean(str(value)) for value in row))
    return made


def clean(text: str) -> str:
    """Make control characters visible: what a file or a member's name holds must not drive the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else f"\\x{ord(letter):02x}" for letter in text)


def money(amount: money_pb2.Money) -> str:
    """Write an amount with its currency."""
    return str(money_from_proto(amount)) if amount.currency_code else ""


def day(proto: date_pb2.Date) -> str:
    """Write a date as ISO, empty where there is none."""
    return date(proto.year, proto.month, proto.day).isoformat() if proto.year else ""


def time(proto: Timestamp) -> str:
    """Write an instant in UTC, empty where there is none."""
    return proto.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S") if proto.seconds else ""


def yes_no(*, value: bool) -> str:
    """Write a flag."""
    return "yes" if value else "no"


def to_date(value: datetime) -> date_pb2.Date:
    """Write the day of an option."""
    return date_pb2.Date(year=value.year, month=value.month, day=value.day)
