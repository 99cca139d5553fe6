"""What suspensions do to billing: the worked scenarios, tables, and properties against a slow model."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
from agreements_model import play
from hypothesis import given, settings
from hypothesis import strategies as st

from boss_agreements.agreements.rules import Line, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.due_charges.rules import (
    Charge,
    advance,
    charges_through,
    check_nothing_closed_changes,
    next_charge,
    parse_key,
    skip_of,
)
from boss_agreements.suspensions.rules import Window, union
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money, round_half_up

LINE = UUID(int=7)
PRICE = Money(3500, "USD")


def window(start: str, end: str | None) -> Window:
    return Window(date.fromisoformat(start), date.fromisoformat(end) if end else None)


def line_of(name: str, start: str, months: int | None = None, price: Money = PRICE) -> Line:
    day = date.fromisoformat(start)
    return open_line(LINE, parse_schedule(name, day), price, day, months, day)


def bill_through(line: Line, windows: Sequence[Window], day: str) -> tuple[list[Charge], Line]:
    """Bill everything that comes due by a day; give the charges and the line after them."""
    charges = []
    while (charge := next_charge(line, union(windows))) is not None and charge.due_date <= date.fromisoformat(day):
        charges.append(charge)
        line = advance(line, union(windows))
    return charges, line


def dates(charges: Sequence[Charge]) -> list[str]:
    return [charge.due_date.isoformat() for charge in charges]


def test_sus_4_the_last_instalment_that_moves_pays_to_the_end_of_the_term_which_moves_with_it() -> None:
    line = line_of("monthly_anniversary", "2026-01-19", 3)
    charges, after = bill_through(line, [window("2026-03-10", "2026-04-05")], "2026-12-31")
    assert dates(charges) == ["2026-01-19", "2026-02-19", "2026-04-05"]
    assert charges[-1].period_end.isoformat() == "2026-05-04"
    assert after.term_end_date == date(2026, 5, 5)


def test_sus_6_scenario_1_two_weeks_from_the_bill_date_bill_on_the_first_day_back_which_becomes_the_anniversary() -> (
    None
):
    charges, line = bill_through(
        line_of("monthly_anniversary", "2026-05-10"), [window("2026-05-10", "2026-05-24")], "2026-07-23"
    )
    assert dates(charges) == ["2026-05-24", "2026-06-24"]
    assert line.schedule.anchor_day == 24
    assert [charge.amount for charge in charges] == [PRICE, PRICE]


def test_sus_6_scenario_2_two_weeks_within_a_cycle_change_no_bill() -> None:
    charges, line = bill_through(
        line_of("monthly_anniversary", "2026-05-10"), [window("2026-05-17", "2026-05-31")], "2026-07-09"
    )
    assert dates(charges) == ["2026-05-10", "2026-06-10"]
    assert line.schedule.anchor_day == 10


def test_sus_6_scenario_3_a_month_from_the_bill_date_bills_on_the_next_one_and_keeps_the_anniversary() -> None:
    charges, line = bill_through(
        line_of("monthly_anniversary", "2026-05-10"), [window("2026-05-10", "2026-06-10")], "2026-07-10"
    )
    assert dates(charges) == ["2026-06-10", "2026-07-10"]
    assert line.schedule.anchor_day == 10


def test_sus_6_scenario_4_a_month_from_within_a_cycle_bills_on_the_first_day_back_which_becomes_the_anniversary() -> (
    None
):
    charges, line = bill_through(
        line_of("monthly_anniversary", "2026-05-10"), [window("2026-05-17", "2026-06-17")], "2026-07-17"
    )
    assert dates(charges) == ["2026-05-10", "2026-06-17", "2026-07-17"]
    assert line.schedule.anchor_day == 17


@pytest.mark.parametrize(
    ("name", "start", "end", "expected", "cents"),
    [
        # 22 of the 30 days from 4/15 to 5/15 are left on 4/23: 35.00 x 22/30.
        ("monthly_on_15", "2026-04-10", "2026-04-23", ["2026-04-23", "2026-05-15"], [2567, 3500]),
        # The first day back is the bill date: that is the one bill.
        ("monthly_on_15", "2026-04-10", "2026-05-15", ["2026-05-15"], [3500]),
        # Several missed cycles are one bill, for what is left of the last.
        ("monthly_on_15", "2026-04-10", "2026-06-16", ["2026-06-16"], [3383]),
        # On the last day of a cycle one day is left.
        ("monthly_on_15", "2026-04-10", "2026-05-14", ["2026-05-14", "2026-05-15"], [117, 3500]),
        ("yearly", "2026-04-10", "2026-06-20", ["2026-06-20"], [3500]),
        ("monthly_anniversary", "2026-04-10", "2026-06-20", ["2026-06-20"], [3500]),
    ],
)
def test_sus_4_the_first_day_back_bills_once_for_all_missed_cycles(
    name: str, start: str, end: str, expected: list[str], cents: list[int]
) -> None:
    charges, _ = bill_through(line_of(name, "2026-04-10"), [window(start, end)], "2026-06-30")
    assert dates(charges)[: len(expected)] == expected
    assert [charge.amount.amount_minor for charge in charges][: len(cents)] == cents


def test_sus_4_monthly_on_a_day_keeps_its_day() -> None:
    _, line = bill_through(line_of("monthly_on_15", "2026-04-10"), [window("2026-04-10", "2026-04-23")], "2026-05-15")
    assert (line.schedule.anchor_day, line.next_bill_date) == (15, date(2026, 6, 15))


def test_sus_4_of_instalments_none_is_lost_and_none_is_prorated() -> None:
    charges, line = bill_through(
        line_of("monthly_on_15", "2026-01-10", 12), [window("2026-02-16", "2026-04-19")], "2028-01-01"
    )
    assert len(charges) == 12
    assert {charge.amount for charge in charges} == {PRICE}
    assert dates(charges)[:4] == ["2026-01-15", "2026-02-15", "2026-04-19", "2026-05-15"]
    assert line.term_end_date is not None
    assert line.term_end_date > charges[-1].due_date


def test_sus_4_the_instalments_move_back_by_the_cycles_missed() -> None:
    usual, _ = bill_through(line_of("monthly_anniversary", "2026-01-10", 6), [], "2028-01-01")
    moved, line = bill_through(
        line_of("monthly_anniversary", "2026-01-10", 6), [window("2026-02-10", "2026-04-10")], "2028-01-01"
    )
    assert dates(usual)[-1] == "2026-06-10"
    assert dates(moved)[-1] == "2026-08-10"
    assert line.term_end_date == date(2026, 9, 10)


def test_sus_4_an_open_end_bills_nothing() -> None:
    assert next_charge(line_of("monthly_anniversary", "2026-05-10"), union([window("2026-05-10", None)])) is None


def test_sus_5_touching_suspensions_bill_once_after_the_last() -> None:
    windows = [window("2026-05-05", "2026-05-12"), window("2026-05-12", "2026-05-20")]
    charges, _ = bill_through(line_of("monthly_anniversary", "2026-05-10"), windows, "2026-06-19")
    assert dates(charges) == ["2026-05-20"]


def test_sus_4_nothing_late_is_billed_on_a_suspended_day() -> None:
    line, windows = line_of("monthly_anniversary", "2026-05-10"), union([window("2026-05-12", "2026-05-24")])
    assert list(charges_through(line, windows, date(2026, 5, 12))) == []
    assert dates(list(charges_through(line, windows, date(2026, 5, 24)))) == ["2026-05-10"]


def test_bil_1_missed_days_are_caught_up_oldest_first() -> None:
    charges = list(charges_through(line_of("monthly_anniversary", "2026-01-31"), (), date(2026, 4, 1)))
    assert dates(charges) == ["2026-01-31", "2026-02-28", "2026-03-31"]
    assert [charge.key for charge in charges] == [f"{LINE}/{cycle}/recurring" for cycle in (1, 2, 3)]
    assert charges[0].period_end == date(2026, 2, 27)


def test_agr_4_nothing_is_billed_after_the_term() -> None:
    charges, line = bill_through(line_of("monthly_on_15", "2026-03-03", 2), [], "2030-01-01")
    assert dates(charges) == ["2026-03-15", "2026-04-15"]
    assert charges[-1].period_end == date(2026, 5, 2)
    assert next_charge(line, ()) is None


@pytest.mark.parametrize(
    ("windows", "after", "day", "reason"),
    [
        ([window("2026-05-01", "2026-05-24")], "2026-05-09", "2026-05-10", "SUSPENDED"),
        ([window("2026-05-01", "2026-05-24")], "2026-05-10", "2026-05-11", None),
        ([window("2026-05-01", None)], "2026-06-01", "2026-06-30", "SUSPENDED"),
        ([window("2026-05-12", None)], "2026-05-15", "2026-05-16", "SUSPENDED"),
        ([], "2026-05-09", "2026-05-09", None),
    ],
)
def test_bil_1_each_skipped_agreement_has_its_reason_on_its_bill_date(
    windows: list[Window], after: str, day: str, reason: str | None
) -> None:
    skip = skip_of(
        line_of("monthly_anniversary", "2026-05-10"), union(windows), date.fromisoformat(after), date.fromisoformat(day)
    )
    assert (skip.reason if skip else None) == reason


def test_bil_1_the_end_of_a_term_is_told_once_when_its_next_bill_date_would_come() -> None:
    _, line = bill_through(line_of("monthly_anniversary", "2026-01-10", 2), [], "2026-12-31")
    found = [
        day
        for day in range(1, 32)
        if (skip := skip_of(line, (), date(2026, 3, day) - timedelta(days=1), date(2026, 3, day)))
        and skip.reason == "TERM_ENDED"
    ]
    assert found == [10]


def test_design_4_a_change_of_a_closed_charge_is_refused_and_one_of_a_later_charge_is_not() -> None:
    line, freeze = line_of("monthly_anniversary", "2026-05-10"), union([window("2026-05-10", "2026-05-24")])
    with pytest.raises(FailedPrecondition) as refused:
        check_nothing_closed_changes(line, (), freeze, date(2026, 5, 10))
    assert refused.value.reason == "BILLING_IN_PROGRESS"
    check_nothing_closed_changes(line, (), freeze, date(2026, 5, 9))
    check_nothing_closed_changes(line, (), freeze, None)
    check_nothing_closed_changes(line, freeze, (), date(2026, 5, 10))


@pytest.mark.parametrize("key", ["", "x", f"{LINE}/1", f"{LINE}/one/recurring", f"{LINE}/1/recurring/2"])
def test_a_text_that_is_no_charge_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match="charge key"):
        parse_key(key)


NAMES = st.sampled_from(
    [
        "monthly_anniversary",
        "yearly",
        "monthly_on_1",
        "monthly_on_15",
        "monthly_on_29",
        "monthly_on_30",
        "monthly_on_31",
    ]
)
STARTS = st.dates(date(2026, 1, 1), date(2026, 3, 31))
SPAN_DAYS = 800


@st.composite
def _windows(draw: st.DrawFn) -> list[Window]:
    found = []
    for _ in range(draw(st.integers(0, 5))):
        start = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 600)))
        length = draw(st.one_of(st.integers(1, 70), st.sampled_from([28, 30, 31, 59, 365])))
        found.append(Window(start, start + timedelta(days=length)))
    return found


def _suspended(windows: Sequence[Window]) -> set[date]:
    return {
        window.start + timedelta(days=n)
        for window in windows
        if window.end is not None
        for n in range((window.end - window.start).days)
    }


@settings(max_examples=300, deadline=None)
@given(NAMES, STARTS, st.sampled_from([None, None, 1, 3, 12]), _windows())
def test_sus_4_bills_exactly_as_a_day_by_day_model(
    name: str, start: date, months: int | None, windows: list[Window]
) -> None:
    line = open_line(LINE, parse_schedule(name, start), PRICE, start, months, start)
    expected, left = play(name, start, line.remaining_cycles, _suspended(windows), SPAN_DAYS)
    horizon = start + timedelta(days=SPAN_DAYS - 1)
    charges, after = bill_through(line, windows, horizon.isoformat())
    assert dates(charges) == [bill.day.isoformat() for bill in expected]
    assert [charge.amount.amount_minor for charge in charges] == [
        round_half_up(Fraction(3500) * bill.share) for bill in expected
    ]
    assert after.remaining_cycles == left


@settings(max_examples=300, deadline=None)
@given(NAMES, STARTS, st.sampled_from([None, 12]), _windows())
def test_sus_8_never_bills_inside_a_window_nor_a_day_twice(
    name: str, start: date, months: int | None, windows: list[Window]
) -> None:
    line = open_line(LINE, parse_schedule(name, start), PRICE, start, months, start)
    charges, after = bill_through(line, windows, (start + timedelta(days=SPAN_DAYS)).isoformat())
    suspended = _suspended(windows)
    assert not suspended & {charge.due_date for charge in charges}
    for earlier, later in pairwise(charges):
        assert earlier.period_end < later.period_start, "no day is paid for twice"
        assert later.cycle_no == earlier.cycle_no + 1
    assert all(charge.period_start <= charge.period_end for charge in charges)
    if months is None:
        assert next_charge(after, union(windows)) is not None, "an agreement is never wedged"


@settings(max_examples=200, deadline=None)
@given(NAMES, STARTS, st.sampled_from([None, 12]), _windows(), st.lists(st.integers(1, 60), max_size=20))
def test_design_4_runs_on_any_days_bill_the_same_cycles_as_runs_on_every_day(
    name: str, start: date, months: int | None, windows: list[Window], steps: list[int]
) -> None:
    """Missed runs are caught up: whatever days are run, after a day outside every window the same is billed."""
    line = open_line(LINE, parse_schedule(name, start), PRICE, start, months, start)
    joined, day, billed, state = union(windows), start, [], line
    for step in steps:
        day += timedelta(days=step)
        for charge in list(charges_through(state, joined, day)):
            billed.append(charge)
            state = advance(state, joined)
    end = max([day, *(one.end for one in joined if one.end)])
    billed += charges_through(state, joined, end)
    assert billed == list(charges_through(line, joined, end))


@given(_windows())
def test_sus_5_the_union_holds_exactly_the_days_of_its_windows_and_no_two_touch(windows: list[Window]) -> None:
    joined = union(windows)
    assert _suspended(joined) == _suspended(windows)
    for earlier, later in pairwise(joined):
        assert earlier.end is not None
        assert earlier.end < later.start
