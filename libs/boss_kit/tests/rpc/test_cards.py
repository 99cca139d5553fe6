"""No field holds a card number, and nothing else is taken for one."""

import uuid
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.cards import field_holds_card_number, find_card_number, redact

# The numbers processors publish for tests.
PUBLIC_TEST_NUMBERS = (
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4917610000000000003",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3530111333300000",
    "30569309025904",
    "38520000023237",
    "6304000000000000",
)
HARMLESS = (
    "",
    "4111111111111112",
    "0000000000000000",
    "+1 703 555 0110",
    "(703) 555-0110",
    "703-555-0110",
    "2026-11-22",
    "2026-01-03 2026-02-04",
    "2026-11-22T10:11:12.123456Z",
    "4111 1111  1111 1111",
    "411111111111111",
    "x4111111111111111",
    "4111111111111111_",
    "tok_4111111111111111",
    "41111111111111111111111",
    "invoice 4711 of 12 March 2026, 35.00 USD",
)


def with_check_digit(digits: str) -> str:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


cards = st.text("0123456789", min_size=12, max_size=18).map(with_check_digit).filter(lambda text: text.strip("0"))
separators = st.sampled_from(["", " ", "-", "\u00a0"])


def test_every_public_test_number_is_found() -> None:
    for number in PUBLIC_TEST_NUMBERS:
        assert find_card_number(number) == number
        assert find_card_number(f"card: {number}, exp 12/27") == number


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_card_number_is_let_through(text: str) -> None:
    assert find_card_number(text) is None


@given(cards, st.data())
def test_single_spaces_and_dashes_hide_nothing(card: str, data: Any) -> None:
    spaced = "".join(digit + data.draw(separators) for digit in card[:-1]) + card[-1]
    assert find_card_number(f"({spaced})") is not None


@given(cards, st.sampled_from("aZ_9é"))
def test_a_number_that_touches_a_letter_a_digit_or_an_underscore_is_no_card(card: str, letter: str) -> None:
    if letter != "9":
        assert find_card_number(card + letter) is None
        assert find_card_number(letter + card) is None


@given(st.text("0123456789", min_size=13, max_size=19))
def test_a_wrong_check_digit_is_no_card(digits: str) -> None:
    right = with_check_digit(digits[:-1])
    assert (find_card_number(digits) is not None) == (digits == right and bool(digits.strip("0")))


@given(st.uuids())
def test_a_uuid_is_never_a_card(value: Any) -> None:
    assert find_card_number(str(value)) is None
    assert find_card_number(f"see {value} and {value}/12/kind") is None


def test_a_uuid_of_digits_only_is_never_a_card() -> None:
    value = uuid.UUID("11111111-1111-4111-8111-111111111111")
    assert find_card_number(f"step {value}") is None


@given(st.lists(st.dates(date(1900, 1, 1), date(2099, 12, 31)), min_size=1, max_size=4))
def test_dates_are_never_a_card(days: list[date]) -> None:
    assert find_card_number(" ".join(day.isoformat() for day in days)) is None


@given(st.integers(2, 9), st.text("0123456789", min_size=9, max_size=9))
def test_a_phone_number_of_ten_digits_is_never_a_card(first: int, rest: str) -> None:
    digits = f"{first}{rest}"
    for text in (
        f"+1 {digits}",
        f"{digits[:3]}-{digits[3:6]}-{digits[6:]}",
        f"({digits[:3]}) {digits[3:6]}-{digits[6:]}",
    ):
        assert find_card_number(text) is None


def test_a_phone_field_may_hold_a_long_international_number() -> None:
    assert not field_holds_card_number("home_phone", "+86 138 0013 8007")


@pytest.mark.parametrize("tail", [" 12 27", "-123", " 1"])
def test_a_card_with_more_digits_behind_it_is_found(tail: str) -> None:
    assert find_card_number("4111111111111111" + tail) is not None
    assert find_card_number("4111 1111 1111 1111" + tail) is not None


def test_a_token_field_holds_tokens_only() -> None:
    assert not field_holds_card_number("token", "tok_4111111111111111")
    assert field_holds_card_number("token", "4111111111111111")
    assert field_holds_card_number("token", "v4111111111111111x")


def test_a_resource_name_is_never_a_card() -> None:
    name = "enterprises/11111111-1111-4111-8111-111111111111/accounts/11111111-1111-4111-8111-111111111111"
    assert not field_holds_card_number("name", name)


def test_a_text_is_redacted() -> None:
    assert redact("pay 4111 1111 1111 1111 or 378282246310005") == "pay [card number] or [card number]"


def test_a_year_of_days_in_a_row_is_never_a_card() -> None:
    days = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(365)]
    assert all(find_card_number(f"{first} {second}") is None for first, second in pairwise(days))
