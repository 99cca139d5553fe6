"""What an agreement is and when its schedule bills (SPEC AGR-4). Pure: every day is an argument."""

import re
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_kit.days import add_months, on_day
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money

MONTHLY_ANNIVERSARY = "monthly_anniversary"
MONTHLY_ON = "monthly_on_"
YEARLY = "yearly"
PERPETUAL = "perpetual"
AGREEMENT_TYPES = ("Membership", "Service")
TERM_MONTHS_MAX = 600
FIRST_YEAR, LAST_YEAR = 1900, 2199

PENDING_START = "Pending Start"
ACTIVE = "Active"
EXPIRED = "Expired"
LIVE_STATUSES = (PENDING_START, ACTIVE, "Freeze", "Hold")

_ON_DAY = re.compile(r"monthly_on_([1-9]|[12]\d|3[01])")
_FIXED = re.compile(r"fixed_([1-9]\d{0,2})")


@dataclass(frozen=True)
class Schedule:
    """When an agreement bills: every `cycle_months`, on `anchor_day` or the last day of a shorter month.

    `keeps_day` tells a schedule "on a day" from one anchored to a start, which a suspension moves (SPEC SUS-4).
    """

    name: str
    anchor_day: int
    cycle_months: int
    keeps_day: bool

    def after(self, bill_date: date, cycles: int = 1) -> date:
        """Give the bill date so many cycles later; it returns to its day where the month has it."""
        return add_months(bill_date, self.cycle_months * cycles, self.anchor_day)

    def first_from(self, start: date, day: date) -> date:
        """Give the first bill date of an agreement begun on `start` that is not before `day`."""
        if self.keeps_day:
            earliest = max(start, day)
            this_month = on_day(earliest.year, earliest.month, self.anchor_day)
            return this_month if this_month >= earliest else add_months(this_month, 1, self.anchor_day)
        if day <= start:
            return start
        months = (day.year - start.year) * 12 + day.month - start.month
        cycles = max(0, months // self.cycle_months)
        candidate = self.after(start, cycles)
        return candidate if candidate >= day else self.after(start, cycles + 1)

    def next_on_or_after(self, bill_date: date, day: date) -> date:
        """Give the first bill date of the series through `bill_date` that is not before a later `day`."""
        months = (day.year - bill_date.year) * 12 + day.month - bill_date.month
        candidate = self.after(bill_date, months // self.cycle_months)
        return candidate if candidate >= day else self.after(candidate)

    def count_before(self, first: date, end: date) -> int:
        """Count the bill dates in [first, end), `first` being one."""
        count, bill_date = 0, first
        while bill_date < end:
            count, bill_date = count + 1, self.after(bill_date)
        return count

    def anchored_to(self, day: date) -> "Schedule":
        """Give the same schedule with another anchor day."""
        return replace(self, anchor_day=day.day)

    def in_words(self) -> str:
        """Say the schedule for people."""
        if self.keeps_day:
            return f"monthly on day {self.anchor_day}"
        return "yearly" if self.cycle_months == 12 else "monthly on its anniversary"


@dataclass(frozen=True)
class Line:
    """The recurring line of an agreement, ready for its next cycle.

    `next_bill_date` is the schedule's own date of that cycle, whatever suspensions do to it; `remaining_cycles` is
    empty for a perpetual agreement; `term_end_date` is the first day after the term.
    """

    id: UUID
    schedule: Schedule
    price: Money
    cycle_no: int
    next_bill_date: date
    remaining_cycles: int | None = None
    term_end_date: date | None = None


@dataclass(frozen=True)
class AgreementChanged:
    """State: an agreement was made or changed."""

    agreement_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    member_id: UUID
    number: str
    display_name: str
    status: str
    price: Money
    version: int
    business_date: date


def parse_schedule(text: str, start: date, field: str = "schedule") -> Schedule:
    """Read a schedule's name. Raises InvalidArgument, naming the schedules there are."""
    if text == MONTHLY_ANNIVERSARY:
        return Schedule(text, start.day, 1, keeps_day=False)
    if text == YEARLY:
        return Schedule(text, start.day, 12, keeps_day=False)
    on = _ON_DAY.fullmatch(text)
    if on is None:
        raise InvalidArgument.field(
            field,
            f"{text[:40]!r} is not a billing schedule; use monthly_anniversary, monthly_on_<day 1 to 31> or yearly.",
        )
    return Schedule(text, int(on[1]), 1, keeps_day=True)


def stored_schedule(name: str, anchor_day: int) -> Schedule:
    """Rebuild a schedule from its name and its present anchor day."""
    return Schedule(name, anchor_day, 12 if name == YEARLY else 1, keeps_day=name.startswith(MONTHLY_ON))


def parse_term(text: str, field: str = "term") -> int | None:
    """Read a term: months, None for a perpetual one. Raises InvalidArgument, naming the terms there are."""
    if text == PERPETUAL:
        return None
    fixed = _FIXED.fullmatch(text)
    if fixed is None or int(fixed[1]) > TERM_MONTHS_MAX:
        raise InvalidArgument.field(
            field,
            f"{text[:40]!r} is not a term; use perpetual or fixed_<months> with 1 to {TERM_MONTHS_MAX} months.",
        )
    return int(fixed[1])


def check_year(day: date, field: str) -> date:
    """Refuse a day no club can mean. Raises InvalidArgument."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidArgument.field(field, f"{day} lies outside the years {FIRST_YEAR} to {LAST_YEAR}.")
    return day


def open_line(
    line_id: UUID, schedule: Schedule, price: Money, start: date, term_months: int | None, billed_before: date
) -> Line:
    """Begin a line whose cycles before `billed_before` count as billed (DESIGN 4: an import's business date)."""
    first = schedule.first_from(start, billed_before)
    if term_months is None:
        return Line(line_id, schedule, price, 1, first)
    term_end = add_months(start, term_months)
    return Line(line_id, schedule, price, 1, first, schedule.count_before(first, term_end), term_end)


def has_ended(line: Line, day: date) -> bool:
    """Tell whether the term is over: its last day has passed and no cycle of it waits to be billed."""
    return line.term_end_date is not None and line.term_end_date <= day and not line.remaining_cycles


def status_on(day: date, start: date, line: Line, active_types: frozenset[str]) -> str:
    """Derive an agreement's status (SPEC AGR-4); a hold weighs more than a freeze."""
    if has_ended(line, day):
        return EXPIRED
    if active_types:
        return "Hold" if "Hold" in active_types else "Freeze"
    return PENDING_START if start > day else ACTIVE
