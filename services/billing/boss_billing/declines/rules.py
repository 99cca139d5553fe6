"""What a response code means, and how often a card or a bank debit may be tried (SPEC BIL-5). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from boss_kit.errors import InvalidArgument

NO_UPDATE = "A04"
"""An answer of the card updater: it is good news, and no money."""
PARTLY_APPROVED = "A05"
STOP_RECURRING = "D13"
FEE_MINOR_MAX = 100_000
ATTEMPTS_COUNT_MAX = 1000
UNMAPPED = "D19"
"""Stands for a decline the table doesn't know."""


class Class(StrEnum):
    """Good, worth another try, or not."""

    GOOD = "good"
    SOFT = "soft"
    HARD = "hard"


class Timing(StrEnum):
    """When a smart rebill schedule tries again after a code (SPEC BIL-6)."""

    SCHEDULE = "schedule"
    LIKELY_FUNDS = "likely_funds"
    LIMIT_RESET = "limit_reset"


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
    fee_minor: int = 0
    alert: bool = False
    timing: Timing = Timing.SCHEDULE

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
    """At most so many attempts in so many days, the day of the attempt included; an enterprise's own, or for all."""

    tender: str
    per: Per
    attempts_max: int
    window_days: int
    is_own: bool = False


def check_code(present: Code, wanted: Code) -> None:
    """Refuse a row that says what its code can't mean. Raises InvalidArgument."""
    if present.is_good is not wanted.is_good:
        text = f"can't become {wanted.response_class}: whether money came isn't a matter of the table."
        raise InvalidArgument.field("decline_code.response_class", text)
    if wanted.code == STOP_RECURRING and (wanted.rebill or wanted.invalidate_after != 1):
        text = "must stay off, and the source must end with the first: stop recurring is never tried again."
        raise InvalidArgument.field("decline_code.rebill", text)
    if (wanted.invalidate_after > 0) is not (wanted.invalidate_months > 0):
        text = "needs both: after how many of these responses, in how many months."
        raise InvalidArgument.field("decline_code.invalidate_months", text)
    if not 0 <= wanted.fee_minor <= FEE_MINOR_MAX:
        raise InvalidArgument.field("decline_code.decline_fee", "must not be below zero, nor above 1,000.00.")
    if (wanted.is_good or not wanted.is_tried) and (wanted.fee_minor or wanted.alert or wanted.arm_entry):
        text = "has no fee, no alert and no ARM entry: it is no decline."
        raise InvalidArgument.field("decline_code.decline_fee", text)


def check_limit(limit: AttemptLimit) -> None:
    """Refuse a limit that isn't one. Raises InvalidArgument."""
    if not 1 <= limit.attempts_max <= ATTEMPTS_COUNT_MAX:
        raise InvalidArgument.field("attempt_limit.attempts_max", f"must be 1 to {ATTEMPTS_COUNT_MAX}.")
    if not 1 <= limit.window_days <= 366:
        raise InvalidArgument.field("attempt_limit.window_days", "must be 1 to 366 days.")


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
