"""Business dates (SPEC 0): every rule takes the day as an argument; nothing here reads a clock."""

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from boss_kit.errors import InvalidArgument

ONE_DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 1900, 2199
"""The years a club lives in; a day outside is a slip of the pen."""
_FEBRUARY = 2
# Of a year that isn't a leap year, from 1 on.
_DAYS_OF_MONTHS = (0, *(calendar.monthrange(2001, month)[1] for month in range(1, 13)))


def check_year(day: date, field: str) -> date:
    """Give a day back. Raises InvalidArgument for one outside the years a club lives in."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidArgument.field(field, f"{day} lies outside the years {FIRST_YEAR} to {LAST_YEAR}.")
    return day


@lru_cache(maxsize=512)
def parse_zone(name: str, field: str = "time_zone") -> ZoneInfo:
    """Find an IANA time zone. Raises InvalidArgument when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidArgument.field(
            field, f"{name[:60]!r} is not a time zone; use an IANA name such as America/Denver."
        ) from None


def business_date(now: datetime, zone: str) -> date:
    """Tell the calendar day of an instant in a zone."""
    return now.astimezone(parse_zone(zone)).date()


def start_of_day(day: date, zone: str) -> datetime:
    """Tell the instant a business date begins in a zone, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=parse_zone(zone)).astimezone(UTC)


def days_in_month(year: int, month: int) -> int:
    """Count the days of a month."""
    return _DAYS_OF_MONTHS[month] + (month == _FEBRUARY and calendar.isleap(year))


def on_day(year: int, month: int, day: int) -> date:
    """Give that day of the month, or the last day of a month that is too short (SPEC AGR-4)."""
    return date(year, month, min(day, days_in_month(year, month)))


# A bill run asks the same of a hundred thousand agreements.
@lru_cache(maxsize=16384)
def add_months(day: date, months: int, anchor_day: int | None = None) -> date:
    """Move by whole months and return to the anchor day where the month has it (SPEC AGR-4)."""
    index = day.year * 12 + day.month - 1 + months
    return on_day(index // 12, index % 12 + 1, anchor_day or day.day)
