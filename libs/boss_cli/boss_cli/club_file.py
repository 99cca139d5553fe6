"""A club's export as CSV: UTF-8, quoted line breaks, read record by record with flat memory."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from boss_cli.failures import BossCommandError

MEMBER_COLUMNS = (
    "external_id",
    "business_unit",
    "first_name",
    "last_name",
    "birth_date",
    "email",
    "cell_phone",
    "home_phone",
    "work_phone",
    "address_1",
    "address_2",
    "city",
    "state",
    "postal_code",
    "time_zone",
    "agreement",
    "agreement_type",
    "price",
    "schedule",
    "term",
    "start_date",
    "obligation_end",
    "freeze_from",
    "freeze_to",
    "sms_opt_out",
    "do_not_call",
    "notes",
)
ACCOUNT_COLUMNS = (
    "external_id",
    "business_unit",
    "tender",
    "token",
    "last4",
    "exp_month",
    "exp_year",
    "primary_source",
    "past_due_balance",
    "oldest_due_date",
)
COLUMNS = tuple(dict.fromkeys((*MEMBER_COLUMNS, *ACCOUNT_COLUMNS)))
RECORD_CHARACTERS_MAX = 200_000
"""Far above any true record, far below what one message may hold."""


@dataclass(frozen=True)
class Record:
    """One data row: its number from 1, and its values by column."""

    number: int
    values: dict[str, str]

    @property
    def characters(self) -> int:
        """Count the characters of all values."""
        return sum(map(len, self.values.values()))


@dataclass(frozen=True)
class Rejected:
    """A record that isn't imported, and why, for a club manager."""

    record: int
    external_id: str
    field: str
    reason: str


def open_club_file(path: str | Path) -> TextIO:
    """Open a club's file for `read_club_file`; bytes that aren't UTF-8 become visible in their record, not here."""
    try:
        return Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise BossCommandError(f"{path} can't be read: {error.strerror}.") from None


def read_club_file(lines: Iterable[str]) -> Iterator[Record | Rejected]:
    """Read the data rows in order, numbered from 1; blank lines don't count.

    Raises BossCommandError, naming the columns, when the header isn't a club's.
    """
    reader = csv.reader(lines)
    header = _header(reader)
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Rejected(number, "", "", f"The row can't be read: {error}; look for a quote that is never closed.")
            continue
        if row:
            number += 1
            yield _record(number, header, row)


def _header(reader: Iterator[list[str]]) -> Sequence[str]:
    try:
        header = [name.strip() for name in next(reader)]
    except StopIteration:
        raise BossCommandError("The file is empty; its first line must name the columns.") from None
    except csv.Error as error:
        raise BossCommandError(f"The first line can't be read: {error}; it must name the columns.") from None
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name[:60] or "(no name)" for name in header if name not in COLUMNS]
    twice = sorted({name for name in header if name in COLUMNS and header.count(name) > 1})
    wrong = [
        f"{what}: {', '.join(names)}"
        for what, names in (("missing", missing), ("not known", unknown), ("there twice", twice))
        if names
    ]
    if wrong:
        raise BossCommandError(f"The columns of the file aren't a club's ({'; '.join(wrong)}). Mend the first line.")
    return header


def _record(number: int, header: Sequence[str], row: Sequence[str]) -> Record | Rejected:
    values = dict(zip(header, row, strict=False))
    field, reason = _fault(header, row, values)
    if reason:
        return Rejected(number, _printable(values.get("external_id", "")), field, reason)
    return Record(number, values)


def _fault(header: Sequence[str], row: Sequence[str], values: Mapping[str, str]) -> tuple[str, str]:
    """Tell the field and the reason that make a row unusable, or two empty texts."""
    if len(row) < len(header):
        field = header[len(row)]
        reason = f"The row has {len(row)} fields, it needs {len(header)}; {field} and what follows is missing."
        return field, reason
    if len(row) > len(header):
        return "", f"The row has {len(row)} fields, it may have {len(header)}; put values with commas in quotes."
    for field, value in values.items():
        if not _is_text(value):
            return field, f"{field} isn't UTF-8; save the file as UTF-8."
    if sum(map(len, row)) > RECORD_CHARACTERS_MAX:
        field = max(values, key=lambda name: len(values[name]))
        return field, f"The record is longer than {RECORD_CHARACTERS_MAX:,} characters; shorten {field}."
    return "", ""


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(value: str) -> str:
    return value.encode(errors="replace").decode()[:100]
