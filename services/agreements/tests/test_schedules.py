"""When agreements bill: tables and properties of the schedules."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.agreements.rules import (
    EXPIRED,
    has_ended,
    open_line,
    parse_term,
    status_on,
)
from boss_agreements.agreements.schedules import parse_schedule, stored_schedule
from boss_kit.days import days_in_month
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money

LINE = UUID(int=7)
PRICE = Money(3500, "USD")
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
EVERY = ("weekly", "every_2_weeks", "every_5_weeks", "every_3_months", "every_7_months")
SCHEDULES = st.sampled_from(["monthly_anniversary", "yearly", *EVERY, *[f"monthly_on_{day}" for day in range(1, 32)]])


@pytest.mark.parametrize(
    ("name", "start", "expected"),
    [
        ("monthly_anniversary", "2026-01-10", ["2026-01-10", "2026-02-10", "2026-03-10", "2026-04-10"]),
        ("monthly_anniversary", "2026-01-31", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("monthly_anniversary", "2026-01-29", ["2026-01-29", "2026-02-28", "2026-03-29", "2026-04-29"]),
        ("monthly_anniversary", "2024-01-30", ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"]),
        ("monthly_on_15", "2026-01-20", ["2026-02-15", "2026-03-15", "2026-04-15", "2026-05-15"]),
        ("monthly_on_15", "2026-01-15", ["2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15"]),
        ("monthly_on_31", "2026-02-01", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("monthly_on_31", "2026-04-30", ["2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]),
        ("weekly", "2026-02-25", ["2026-02-25", "2026-03-04", "2026-03-11"]),
        ("every_2_weeks", "2026-12-25", ["2026-12-25", "2027-01-08", "2027-01-22"]),
        ("every_3_months", "2026-11-30", ["2026-11-30", "2027-02-28", "2027-05-30", "2027-08-30"]),
        ("yearly", "2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
    ],
)
def test_agr_4_bills_on_the_last_day_of_a_short_month_and_returns_to_its_day(
    name: str, start: str, expected: list[str]
) -> None:
    first_day = date.fromisoformat(start)
    schedule = parse_schedule(name, first_day)
    bill_date = schedule.first_from(first_day, first_day)
    found = []
    for _ in expected:
        found.append(bill_date.isoformat())
        bill_date = schedule.after(bill_date)
    assert found == expected


def _is_bill_date(name: str, start: date, day: date) -> bool:
    """Tell by definition, slowly, whether a day is a bill date."""
    if day < start:
        return False
    if "week" in name:
        every = 1 if name == "weekly" else int(name.split("_")[1])
        return (day - start).days % (7 * every) == 0
    if name.startswith("every_"):
        months = (day.year - start.year) * 12 + day.month - start.month
        if months % int(name.split("_")[1]):
            return False
    wanted = int(name.rpartition("_")[2]) if name.startswith("monthly_on_") else start.day
    if name == "yearly" and day.month != start.month:
        return False
    return day.day == min(wanted, days_in_month(day.year, day.month))


@given(SCHEDULES, DAYS, st.integers(0, 900))
def test_agr_4_the_first_bill_date_from_a_day_on_is_the_first_that_the_definition_finds(
    name: str, start: date, days: int
) -> None:
    day = start + timedelta(days=days - 30)
    expected = max(start, day)
    while not _is_bill_date(name, start, expected):
        expected += timedelta(days=1)
    assert parse_schedule(name, start).first_from(start, day) == expected


@given(SCHEDULES, DAYS, st.integers(0, 900))
def test_agr_4_the_next_bill_date_of_a_series_is_the_first_that_the_definition_finds(
    name: str, start: date, days: int
) -> None:
    schedule = parse_schedule(name, start)
    bill_date = schedule.first_from(start, start)
    day = bill_date + timedelta(days=days)
    expected = day
    while not _is_bill_date(name, start, expected):
        expected += timedelta(days=1)
    assert schedule.next_on_or_after(bill_date, day) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "whenever",
        "monthly_on_0",
        "monthly_on_32",
        "monthly_on_015",
        "Yearly",
        "every_0_weeks",
        "every_105_weeks",
        "every_61_months",
    ],
)
def test_an_unknown_schedule_is_refused_with_the_schedules_there_are(name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"monthly_anniversary, monthly_on_<day 1 to 31>, weekly, .* or yearly"):
        parse_schedule(name, date(2026, 1, 1))


@pytest.mark.parametrize("term", ["", "fixed", "fixed_0", "fixed_601", "fixed_x", "forever"])
def test_an_unknown_term_is_refused(term: str) -> None:
    with pytest.raises(InvalidArgument, match="perpetual or fixed_<months>"):
        parse_term(term)


@given(SCHEDULES, DAYS)
def test_a_schedule_is_the_same_after_it_was_stored(name: str, start: date) -> None:
    schedule = parse_schedule(name, start)
    assert stored_schedule(schedule.name, schedule.anchor_day) == schedule


def test_agr_4_a_fixed_term_bills_as_often_as_it_is_long_and_expires_after_its_last_day() -> None:
    start = date(2026, 1, 31)
    line = open_line(LINE, parse_schedule("monthly_anniversary", start), PRICE, start, 12, start)
    assert line.remaining_cycles == 12
    assert line.term_end_date == date(2027, 1, 31)
    assert not has_ended(line, date(2027, 1, 31)), "cycles that wait to be billed keep it alive"


def test_an_agreement_that_is_taken_over_counts_as_billed_through_the_day_before() -> None:
    start = date(2025, 3, 10)
    schedule = parse_schedule("monthly_anniversary", start)
    assert open_line(LINE, schedule, PRICE, start, None, date(2026, 1, 10)).next_bill_date == date(2026, 1, 10)
    assert open_line(LINE, schedule, PRICE, start, None, date(2026, 1, 11)).next_bill_date == date(2026, 2, 10)


def test_a_fixed_term_taken_over_late_has_only_its_last_cycles_left() -> None:
    start = date(2025, 3, 3)
    line = open_line(LINE, parse_schedule("monthly_on_15", start), PRICE, start, 12, date(2026, 1, 1))
    assert (line.next_bill_date, line.remaining_cycles) == (date(2026, 1, 15), 2)


def test_a_fixed_term_that_has_ended_is_expired_and_has_nothing_left() -> None:
    start = date(2023, 8, 14)
    line = open_line(LINE, parse_schedule("yearly", start), PRICE, start, 12, date(2026, 1, 1))
    assert line.remaining_cycles == 0
    assert status_on(date(2026, 1, 1), start, [line], frozenset()) == EXPIRED


@pytest.mark.parametrize(
    ("types", "expected"),
    [(set(), "Active"), ({"Freeze"}, "Freeze"), ({"Hold"}, "Hold"), ({"Freeze", "Hold"}, "Hold")],
)
def test_agr_4_the_status_follows_from_the_suspensions(types: set[str], expected: str) -> None:
    start = date(2026, 1, 10)
    line = open_line(LINE, parse_schedule("yearly", start), PRICE, start, None, start)
    assert status_on(start, start, [line], frozenset(types)) == expected


def test_agr_4_an_agreement_that_has_not_begun_is_pending_start() -> None:
    start = date(2026, 1, 10)
    line = open_line(LINE, parse_schedule("yearly", start), PRICE, start, None, start)
    assert status_on(date(2026, 1, 9), start, [line], frozenset()) == "Pending Start"
