"""How the simulated processor decides: by the hash of seed, natural key and day, so everybody draws alike. Pure."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

from boss_billing.batches.rules import SubmittedAttempt
from boss_billing.funding.rules import BANK_DEBIT, SubmittedInquiry, UpdateOutcome

T = TypeVar("T")
APPROVED, APPROVED_DEBIT, EXPIRED = "A01", "A03", "D16"
PER_MILLE = 1000
DECLINES_PER_MILLE = (
    ("D03", 22),
    ("D01", 14),
    ("D05", 5),
    ("D15", 4),
    ("D09", 2),
    ("D13", 2),
    ("E02", 3),
    ("D14", 3),
)
"""Of a thousand payments with a card in date, how many get which code; the rest is approved."""

UPDATES_PER_MILLE = (
    (UpdateOutcome.NEW_EXPIRY, 400),
    (UpdateOutcome.NEW_NUMBER, 150),
    (UpdateOutcome.CLOSED, 150),
    (UpdateOutcome.CONTACT_HOLDER, 150),
)
"""Of a thousand inquiries, how many get which answer; for the rest nothing has changed."""

_CODE = re.compile(r"([A-Z]\d\d)?")
"""A response code; without one it is left to chance."""

Script = Mapping[tuple[str, int], str]
"""What a token's n-th attempt at an invoice gets, whatever chance says."""


def response_code(seed: str, attempt: SubmittedAttempt, script: Script) -> str:
    """Decide an attempt."""
    scripted = script.get((attempt.token, attempt.attempt_no))
    if scripted is not None:
        return scripted
    if is_expired(attempt.expiry_month, attempt.expiry_year, attempt.business_date):
        return EXPIRED
    drawn = draw(
        seed,
        attempt.account_number,
        attempt.due_date.isoformat(),
        attempt.description,
        attempt.business_date.isoformat(),
        str(attempt.attempt_no),
    )
    good = APPROVED_DEBIT if attempt.tender == BANK_DEBIT else APPROVED
    return _pick(drawn % PER_MILLE, DECLINES_PER_MILLE, good)


def update_outcome(seed: str, inquiry: SubmittedInquiry, day: date) -> UpdateOutcome:
    """Decide an inquiry to the card updater; a card in date that nobody declined has nothing new."""
    if inquiry.bill_date and not is_expired(inquiry.expiry_month, inquiry.expiry_year, inquiry.bill_date):
        return UpdateOutcome.NO_CHANGE
    drawn = draw(seed, "update", inquiry.account_number, inquiry.last4, day.isoformat())
    return _pick(drawn % PER_MILLE, UPDATES_PER_MILLE, UpdateOutcome.NO_CHANGE)


def new_token(seed: str, inquiry: SubmittedInquiry, day: date) -> tuple[str, str]:
    """Make the token and last four digits of a new card."""
    drawn = draw(seed, "token", inquiry.account_number, inquiry.token, day.isoformat())
    return f"tok_{drawn:032x}"[:20], f"{drawn % 10_000:04d}"


def is_expired(month: int, year: int, day: date) -> bool:
    """Tell whether a card's last month is over; a bank debit has none."""
    return year > 0 and (year, month) < (day.year, day.month)


def draw(seed: str, *key: str) -> int:
    """Draw a number from a seed and a natural key."""
    return int.from_bytes(hashlib.sha256("\x1f".join((seed, *key)).encode()).digest()[:16], "big")


def read_script(path: Path) -> Script:
    """Read a file of `token,attempt,code`; without a code it is left to chance. Raises ValueError with the line."""
    return {(token, attempt): row["code"] for _, token, attempt, row in rows_of_script(path) if row["code"]}


def rows_of_script(path: Path) -> Iterator[tuple[int, str, int, Mapping[str, str]]]:
    """Read what a script names: line, token, attempt and the row. Raises ValueError with the line."""
    lines = csv.DictReader(io.StringIO(_text(path), newline=""))
    missing = [one for one in ("token", "attempt", "code") if one not in (lines.fieldnames or ())]
    if missing:
        raise ValueError(f"line 1: has no column {', '.join(missing)}")
    named = set()
    for row in lines:
        token, attempt = row["token"], row["attempt"] or ""
        if None in row or None in row.values():
            raise ValueError(f"line {lines.line_num}: has another number of columns than line 1")
        if not token:
            raise ValueError(f"line {lines.line_num}: has no token")
        if not (attempt.isascii() and attempt.isdigit() and int(attempt) > 0):
            raise ValueError(f"line {lines.line_num}: attempt {attempt!r} isn't a number from 1 on")
        if not _CODE.fullmatch(row["code"]):
            raise ValueError(f"line {lines.line_num}: code {row['code']!r} isn't a letter and two digits, such as D03")
        if (token, int(attempt)) in named:
            raise ValueError(f"line {lines.line_num}: attempt {attempt} of {token} has a line already")
        named.add((token, int(attempt)))
        yield lines.line_num, token, int(attempt), row


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: isn't UTF-8") from error


def _pick(place: int, shares: Sequence[tuple[T, int]], rest: T) -> T:
    for value, share in shares:
        if place < share:
            return value
        place -= share
    return rest
