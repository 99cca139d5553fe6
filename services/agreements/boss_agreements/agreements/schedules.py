"""When a schedule bills (SPEC AGR-4). Pure: every day is an argument."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from boss_kit.days import add_months, on_day
from boss_kit.errors import InvalidArgument

MONTHLY_ANNIVERSARY = "monthly_anniversary"
MONTHLY_ON = "monthly_on_"
WEEKLY = "weekly"
YEARLY = "yearly"
EVERY_MAX = {"weeks": 104, "months": 60}
DAYS_OF_WEEK = 7

_ON_DAY = re.compile(r"monthly_on_([1-9]|[12]\d|3[01])")
_EVERY = re.compile(r"every_([1-9]\d{0,2})_(weeks|months)")
_MONTHS = {MONTHLY_ANNIVERSARY: 1, YEARLY: 12}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a line bills: every `cycle_days`, or every `cycle_months` on `anchor_day` or a shorter month's last day.

    `keeps_day` tells a schedule "on a day" from one anchored to a start, which a suspension moves (SPEC SUS-4).
    """

    name: str
    anchor_day: int
    cycle_months: int
    keeps_day: bool
    cycle_days: int = 0

    def after(self, bill_date: date, cycles: int = 1) -> date:
        """Give the bill date so many cycles later; it returns to its day where the month has it."""
        if self.cycle_days:
            return bill_date + timedelta(days=self.cycle_days * cycles)
        return add_months(bill_date, self.cycle_months * cycles, self.anchor_day)

    def first_from(self, start: date, day: date) -> date:
        """Give the first bill date of an agreement begun on `start` that is not before `day`."""
        if self.keeps_day:
            earliest = max(start, day)
            this_month = on_day(earliest.year, earliest.month, self.anchor_day)
            return this_month if this_month >= earliest else add_months(this_month, 1, self.anchor_day)
        return start if day <= start else self.next_on_or_after(start, day)

    def next_on_or_after(self, bill_date: date, day: date) -> date:
        """Give the first bill date of the series through `bill_date` that is not before a later `day`."""
        if self.cycle_days:
            return self.after(bill_date, -(-(day - bill_date).days // self.cycle_days))
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
        words = {MONTHLY_ANNIVERSARY: "monthly on its anniversary"}
        return words.get(self.name) or self.name.replace("_", " ")


def parse_schedule(text: str, start: date, field: str = "schedule") -> Schedule:
    """Read a schedule's name. Raises InvalidArgument, naming the schedules there are."""
    on = _ON_DAY.fullmatch(text)
    if on is not None:
        return Schedule(text, int(on[1]), 1, keeps_day=True)
    every = _EVERY.fullmatch(text)
    if text in (*_MONTHS, WEEKLY) or (every is not None and int(every[1]) <= EVERY_MAX[every[2]]):
        return stored_schedule(text, start.day)
    raise InvalidArgument.field(
        field,
        f"{text[:40]!r} is not a billing schedule; use monthly_anniversary, monthly_on_<day 1 to 31>, weekly, "
        f"every_<1 to {EVERY_MAX['weeks']}>_weeks, every_<1 to {EVERY_MAX['months']}>_months or yearly.",
    )


@lru_cache(maxsize=4096)
def stored_schedule(name: str, anchor_day: int) -> Schedule:
    """Rebuild a schedule from its name and its present anchor day."""
    if name.startswith(MONTHLY_ON):
        return Schedule(name, anchor_day, 1, keeps_day=True)
    if name in _MONTHS:
        return Schedule(name, anchor_day, _MONTHS[name], keeps_day=False)
    every = _EVERY.fullmatch(name)
    count, of = (int(every[1]), every[2]) if every else (1, "weeks")
    if of == "months":
        return Schedule(name, anchor_day, count, keeps_day=False)
    return Schedule(name, anchor_day, 0, keeps_day=False, cycle_days=count * DAYS_OF_WEEK)
