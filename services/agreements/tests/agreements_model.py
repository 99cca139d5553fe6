"""A slow model of SUS-4 that walks day by day and knows nothing of the rules' code.

It plays a club's days in order: on each it asks whether this agreement is to be billed today, and for what share.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

ONE = timedelta(days=1)


@dataclass
class Bill:
    """One bill: its day, the days it pays for, [day, until), and the share of the price."""

    day: date
    until: date
    share: Fraction


class Calendar:
    """The bill dates of a schedule, as a predicate that a suspension may move."""

    def __init__(self, name: str, start: date) -> None:
        self.keeps_day = name.startswith("monthly_on_")
        self.yearly = name == "yearly"
        self.day = int(name.rpartition("_")[2]) if self.keeps_day else start.day
        self.month = start.month

    def has(self, day: date) -> bool:
        """Tell whether a day is a bill date."""
        if self.yearly and day.month != self.month:
            return False
        return day.day == min(self.day, calendar.monthrange(day.year, day.month)[1])

    def next_after(self, day: date) -> date:
        """Walk to the next bill date after a day."""
        day += ONE
        while not self.has(day):
            day += ONE
        return day

    def last_before(self, day: date) -> date:
        """Walk back to the bill date before a day."""
        day -= ONE
        while not self.has(day):
            day -= ONE
        return day

    def move_to(self, day: date) -> None:
        """Re-anchor to a day."""
        self.day, self.month = day.day, day.month


def play(
    name: str, start: date, instalments: int | None, suspended: set[date], days: int
) -> tuple[list[Bill], int | None]:
    """Play so many days from the start on; give the bills and the instalments that are left."""
    series = Calendar(name, start)
    bills: list[Bill] = []
    missed = False
    for day in (start + ONE * n for n in range(days)):
        if instalments == 0:
            break
        if day in suspended:
            missed = missed or series.has(day)
            continue
        if series.has(day):
            bills.append(Bill(day, series.next_after(day), Fraction(1)))
        elif missed:
            bills.append(_first_day_back(series, day, prorated=instalments is None))
        else:
            continue
        missed = False
        instalments = None if instalments is None else instalments - 1
    return bills, instalments


def _first_day_back(series: Calendar, day: date, *, prorated: bool) -> Bill:
    if not series.keeps_day:
        series.move_to(day)
        return Bill(day, series.next_after(day), Fraction(1))
    until = series.next_after(day)
    cycle = (until - series.last_before(day)).days
    return Bill(day, until, Fraction((until - day).days, cycle) if prorated else Fraction(1))
