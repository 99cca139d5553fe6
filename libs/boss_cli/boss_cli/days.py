"""Days as an operator types them."""

import re
from datetime import date
from typing import Any

import typer

FORM = "YYYY-MM-DD"
_WRITTEN = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def day_option(says: str, *names: str) -> Any:
    """Make an option that takes a day; `says` is its help."""
    return typer.Option(*names, parser=read_day, metavar=FORM, help=says)


def read_day(text: str) -> date:
    """Read a day. Raises BadParameter, which names the option, for one that isn't written so or doesn't exist."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise typer.BadParameter(f"{text!r} is no day: write it as {FORM}, such as 2026-03-01.")
    try:
        return date(*map(int, written.groups()))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day of the calendar.") from None
