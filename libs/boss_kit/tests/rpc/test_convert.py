"""Shared types, both ways."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from google.type import date_pb2, money_pb2
from hypothesis import given
from hypothesis import strategies as st

from boss_kit.errors import FieldViolation, InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc import convert
from boss_kit.rpc.status import to_status

FIRST, LAST = datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30")


@given(st.integers(-(2**62), 2**62), st.sampled_from(["USD", "JPY", "BHD", "CLF"]))
def test_money_comes_back_as_it_went(amount_minor: Any, currency: str) -> None:
    money = Money(amount_minor, currency)
    assert convert.money_from_proto(convert.money_to_proto(money)) == money


@pytest.mark.parametrize(
    ("units", "nanos", "currency", "field"),
    [
        (1, 5_000_000, "USD", "price.nanos"),
        (1, 1, "JPY", "price.nanos"),
        (1, -10_000_000, "USD", "price.nanos"),
        (0, 1_000_000_000, "USD", "price.nanos"),
        (2**63 - 1, 0, "USD", "price.units"),
        (1, 0, "usd", "price.currency_code"),
        (1, 0, "", "price.currency_code"),
        (1, 0, "XYZ", "price.currency_code"),
        (1, 0, "XAU", "price.currency_code"),
        (1, 500_000_000, "VND", "price.nanos"),
        (1, 500_000, "OMR", "price.nanos"),
        (1, 50_000, "CLF", "price.nanos"),
    ],
)
def test_money_that_has_no_coin_is_refused(units: int, nanos: int, currency: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        convert.money_from_proto(money_pb2.Money(units=units, nanos=nanos, currency_code=currency), "price")
    assert caught.value.violations[0].field == field


@given(st.dates())
def test_dates_come_back_as_they_went(day: Any) -> None:
    assert convert.date_from_proto(convert.date_to_proto(day)) == day


@pytest.mark.parametrize(
    "parts", [(2026, 2, 30), (2026, 2, 0), (0, 2, 1), (0, 0, 0), (2026, 13, 1), (-1, 1, 1), (10000, 1, 1)]
)
def test_partial_and_impossible_dates_are_refused(parts: Any) -> None:
    year, month, day = parts
    with pytest.raises(InvalidArgument) as caught:
        convert.date_from_proto(date_pb2.Date(year=year, month=month, day=day), "due_date")
    assert caught.value.violations[0].field == "due_date"


def test_none_stays_none() -> None:
    assert convert.date_to_proto(None) is None
    assert convert.time_to_proto(None) is None


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
def test_instants_come_back_as_they_went(instant: datetime) -> None:
    assert convert.time_from_proto(convert.time_to_proto(instant)) == instant


@pytest.mark.parametrize("seconds", [2**62, -(2**62)])
def test_impossible_instants_are_refused(seconds: int) -> None:
    with pytest.raises(InvalidArgument):
        convert.time_from_proto(Timestamp(seconds=seconds))


def test_a_step_of_a_command_always_has_the_same_request_id() -> None:
    parent = uuid4()
    assert convert.request_id_for(parent, "close") == convert.request_id_for(str(parent), "close")
    assert convert.request_id_for(parent, "close") != convert.request_id_for(parent, "open")
    assert UUID(convert.request_id_for(parent, "close"))


def test_a_day_is_a_day() -> None:
    assert convert.date_to_proto(date(2026, 3, 1)) == date_pb2.Date(year=2026, month=3, day=1)


def test_all_3_an_error_fits_into_the_trailers_however_long_what_was_wrong_is() -> None:
    long = "é" * 5000
    wrong = [FieldViolation(f"lines[{index}].{long}", long) for index in range(50)]
    error = InvalidArgument("INVALID_FIELD", long, metadata={"name": long}, violations=wrong)
    status = to_status(error, "test.boss", "c1")
    # What gRPC percent-encodes and what it sends as base64 (the whole of it).
    assert len(status.message.encode()) * 3 + status.ByteSize() * 4 / 3 < 8192
    bad_request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad_request)
    assert bad_request.field_violations[0].description.startswith("éé")


def test_an_error_of_common_length_is_told_whole() -> None:
    violations = [FieldViolation(f"lines[{index}]", "must be a UUID.") for index in range(20)]
    status = to_status(InvalidArgument("INVALID_FIELD", "x" * 800, violations=violations), "test.boss", "c1")
    bad_request = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad_request)
    assert (status.message, len(bad_request.field_violations)) == ("x" * 800, 20)
