"""What a response code means, and how often a card or a bank debit may be tried (SPEC BIL-5). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

UNMAPPED = "D19"
"""Stands for a decline the table doesn't know."""


class Class(StrEnum):
    """Good, worth another try, or not."""

    GOOD = "good"
    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True)
class Code:
    """A row of the decline table."""

    code: str
    response_class: Class
    message: str
    is_tried: bool
    is_updatable: bool
    rebill: bool
    invalidate_after: int
    invalidate_months: int
    arm_entry: bool

    @property
    def is_good(self) -> bool:
        """Tell whether the money came."""
        return self.response_class is Class.GOOD


class DeclineTable:
    """All codes of an enterprise."""

    def __init__(self, codes: Iterable[Code]) -> None:
        self._codes: Mapping[str, Code] = {code.code: code for code in codes}

    def find(self, code: str) -> Code:
        """Give a code's row; an unknown code is an unmapped decline."""
        return self._codes.get(code) or self._codes[UNMAPPED]


class Per(StrEnum):
    """What a limit counts."""

    SOURCE = "source"
    INVOICE = "invoice"


@dataclass(frozen=True)
class AttemptLimit:
    """At most so many attempts in so many days, the day of the attempt included."""

    tender: str
    per: Per
    attempts_max: int
    window_days: int


def first_allowed_day(limits: Iterable[AttemptLimit], days: Sequence[date], day: date) -> date:
    """Give the first day, from `day` on, on which one more attempt stays within the limits.

    `days` are those of the attempts so far, of one source or one invoice, in any order.
    """
    allowed = day
    if not days:
        return allowed
    ordered = sorted(days)
    for limit in limits:
        if len(ordered) >= limit.attempts_max:
            # The attempt that must have left the window before another one fits in.
            leaves = ordered[-limit.attempts_max] + timedelta(days=limit.window_days)
            allowed = max(allowed, leaves)
    return allowed


def next_attempt_date(code: Code, declines: int, attempts_max: int, after_days: int, day: date) -> date | None:
    """Plan the next attempt at an invoice after its n-th final decline; none after the last (SPEC BIL-6)."""
    if not code.rebill or declines > attempts_max:
        return None
    return day + timedelta(days=after_days)
