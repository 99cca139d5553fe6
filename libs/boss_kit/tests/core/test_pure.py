"""Ids, money and days: what holds for every value."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.days import add_months, business_date, check_year, days_in_month, parse_zone, start_of_day
from boss_kit.errors import InvalidArgument
from boss_kit.ids import PARTITIONS, derived_id, new_id, partition_of
from boss_kit.money import Money, exponent, parse_money, round_half_up

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))
ZONES = st.sampled_from(["America/Denver", "America/New_York", "Europe/Berlin", "Pacific/Auckland", "UTC"])
MINOR = st.integers(-(10**12), 10**12)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "BHD"])


def test_new_ids_are_version_7_and_sort_as_they_were_made() -> None:
    made = [new_id() for _ in range(1000)]
    assert {one.version for one in made} == {7}
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_new_ids_spread_over_all_partitions() -> None:
    assert {partition_of(new_id()) for _ in range(2000)} == set(range(PARTITIONS))


@given(st.uuids())
def test_a_partition_depends_on_nothing_but_the_last_byte(key: uuid.UUID) -> None:
    assert partition_of(key) == key.int % 256 % PARTITIONS


@given(st.uuids(), st.lists(st.text(), min_size=1))
def test_a_derived_id_is_the_same_wherever_it_is_made(namespace: uuid.UUID, parts: list[str]) -> None:
    assert derived_id(namespace, *parts) == derived_id(namespace, *parts) == uuid.uuid5(namespace, "/".join(parts))


@given(MINOR, MINOR, MINOR, CURRENCIES)
def test_money_adds_like_integers(a: int, b: int, c: int, currency: str) -> None:
    x, y, z = (Money(minor, currency) for minor in (a, b, c))
    assert (x + y) + z == x + (y + z)
    assert x + y - y == x
    assert x + -x == Money(0, currency)


def test_money_of_two_currencies_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refused:
        Money(1, "USD") + Money(1, "EUR")
    assert refused.value.reason == "CURRENCY_MISMATCH"


@given(MINOR, CURRENCIES)
def test_money_reads_back_as_it_is_printed(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    text, printed = str(money).rsplit(" ", 1)
    assert printed == currency
    assert parse_money(text.replace(",", ""), currency) == money


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "1.005", "NaN", "Infinity", "1e-3", "1e3", "1e999999", "1_000", "1,000", ".", "-.", " 5", "٣"),
        *("9" * 18, "9" * 40, "0." + "1" * 40),
    ],
)
def test_what_is_no_amount_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_money(text, "USD", "price")
    assert refused.value.violations[0].field == "price"


@pytest.mark.parametrize(("text", "minor"), [(".5", 50), ("5.", 500), ("+5", 500), ("-.50", -50), ("007.10", 710)])
def test_what_banks_write_for_an_amount_is_read(text: str, minor: int) -> None:
    assert parse_money(text, "USD") == Money(minor, "USD")


@given(st.fractions())
def test_rounding_goes_to_the_nearest_and_a_half_away_from_zero(amount: Fraction) -> None:
    rounded = round_half_up(amount)
    assert abs(rounded - amount) <= Fraction(1, 2)
    if abs(rounded - amount) == Fraction(1, 2):
        assert abs(rounded) > abs(amount)
    assert round_half_up(-amount) == -rounded


@given(st.decimals(-(10**9), 10**9, places=4))
def test_a_decimal_rounds_as_its_fraction(amount: Decimal) -> None:
    assert round_half_up(amount) == round_half_up(Fraction(amount))


def test_currencies_have_their_own_number_of_decimals() -> None:
    places = {
        currency: exponent(currency) for currency in ("ISK", "JPY", "VND", "BGN", "HUF", "USD", "JOD", "OMR", "UYW")
    }
    assert places == {"ISK": 0, "JPY": 0, "VND": 0, "BGN": 2, "HUF": 2, "USD": 2, "JOD": 3, "OMR": 3, "UYW": 4}
    assert (str(Money(150_000, "VND")), parse_money("1.505", "OMR")) == ("150,000 VND", Money(1505, "OMR"))


@pytest.mark.parametrize("currency", ["XYZ", "usd", "", "XAU", "XXX"])
def test_a_currency_there_is_not_is_refused_with_the_field_and_a_way_out(currency: str) -> None:
    with pytest.raises(InvalidArgument, match="isn't an ISO 4217 currency; use a code such as USD"):
        exponent(currency)
    with pytest.raises(InvalidArgument) as caught:
        parse_money("35.00", currency, "price")
    assert caught.value.violations[0].field == "price"


@given(DAYS, st.integers(-120, 120))
def test_moving_by_months_lands_in_that_month_on_the_same_day_or_its_last(day: date, months: int) -> None:
    moved = add_months(day, months)
    assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
    assert moved.day == min(day.day, days_in_month(moved.year, moved.month))


@given(DAYS, st.integers(1, 31), st.integers(1, 24))
def test_a_month_that_is_too_short_doesnt_move_the_anchor(day: date, anchor_day: int, months: int) -> None:
    one_by_one = day
    for _ in range(months):
        one_by_one = add_months(one_by_one, 1, anchor_day)
    assert one_by_one == add_months(day, months, anchor_day)


@given(DAYS, ZONES)
def test_a_business_date_begins_with_its_first_instant(day: date, zone: str) -> None:
    begin = start_of_day(day, zone)
    assert business_date(begin, zone) == day
    assert business_date(begin - timedelta(seconds=1), zone) == day - timedelta(days=1)


def test_the_business_date_is_the_zones_own() -> None:
    late = datetime(2026, 3, 15, 3, 30, tzinfo=UTC)
    assert business_date(late, "America/Denver") == date(2026, 3, 14)
    assert business_date(late, "Europe/Berlin") == date(2026, 3, 15)


@pytest.mark.parametrize("name", ["", "Denver", "../etc/passwd", "America", "\0"])
def test_a_zone_that_isnt_one_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a time zone"):
        parse_zone(name)


def test_a_day_outside_the_years_of_a_club_is_refused_by_field() -> None:
    for day in (date(1900, 1, 1), date(2199, 12, 31)):
        assert check_year(day, "bill_date") == day
    for day in (date(1899, 12, 31), date(2200, 1, 1), date.min, date.max):
        with pytest.raises(InvalidArgument, match="outside the years 1900 to 2199") as refused:
            check_year(day, "bill_date")
        assert refused.value.metadata["field"] == "bill_date"
