"""What a row of the decline table does, and whom it concerns; what steers the next attempt (SPEC BIL-5, BIL-6)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from boss.billing.v1 import decline_service_pb2 as decline_pb
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, Club, due
from decline_calls import PARENT, change, set_schedule

from boss_billing import events
from boss_kit.errors import InvalidArgument

NOBODY, EVERYBODY = UUID(int=1), UUID(int=2**128 - 1)
"""Other enterprises, whose ids come before and after ours."""


def play(club: Club, day: date = DAY, **codes: str) -> None:
    """Bill a charge of each account and let it come to a code; the script names attempts at an invoice from 1."""
    for number, code in codes.items():
        club.script[f"tok_{number}", 1] = code
    club.due.charges = [due(number, day, cycle=day.toordinal()) for number in codes]
    club.play(day)
    club.due.charges = []


def told(club: Club) -> events_pb.PaymentDeclined:
    return events_pb.PaymentDeclined.FromString(club.facts(events.PAYMENT_DECLINED)[-1].data)


def test_bil_5_staff_are_alerted_to_the_codes_that_ask_for_it_alone(club: Club, declines: Any) -> None:
    change(declines, "D04", alert=True)
    for number in ("M1", "M2", "M3"):
        club.add_account(number)
    play(club, M1="D04", M2="D03", M3="A01")
    request = decline_pb.ListDeclineAlertsRequest(parent=PARENT)
    assert [one.code for one in declines.ListDeclineAlerts(request, timeout=5).decline_alerts] == ["D04"]


def test_bil_5_a_code_nobody_knows_is_what_the_table_says_of_unmapped_declines(club: Club, declines: Any) -> None:
    change(declines, "D19", rebill=False, arm_entry=False, message="Ask the bank")
    club.add_account("M1")
    play(club, M1="X77")
    assert (told(club).code, told(club).message, told(club).arm_entry) == ("X77", "Ask the bank", False)
    assert club.one("SELECT state, next_attempt_date, next_attempt_reason FROM payment") == (
        "finally_declined",
        None,
        "Ask the bank (D19) isn't tried again.",
    )


@pytest.mark.parametrize(("second", "is_valid"), [(date(2026, 2, 4), False), (date(2026, 2, 5), True)])
def test_bil_5_declines_end_a_source_only_where_so_many_fall_into_the_months_the_table_says(
    club: Club, declines: Any, second: date, is_valid: bool
) -> None:
    change(declines, "D01", rebill=False, invalidate_after=2, invalidate_months=1)
    club.add_account("M1")
    play(club, M1="D01")
    play(club, second, M1="D01")
    assert club.one("SELECT is_valid FROM funding_source") is is_valid


def test_bil_5_only_declines_of_the_code_and_of_the_source_itself_end_it(club: Club, declines: Any) -> None:
    change(declines, "D01", rebill=False, invalidate_after=2, invalidate_months=1)
    change(declines, "D03", rebill=False)
    club.add_account("M1")
    club.add_account("M2")
    play(club, M1="D03", M2="D01")
    play(club, DAY + timedelta(days=1), M1="D01")
    assert club.rows("SELECT DISTINCT is_valid FROM funding_source") == [(True,)]
    play(club, DAY + timedelta(days=2), M1="D01")
    assert club.rows("SELECT token, is_valid FROM funding_source ORDER BY 1") == [("tok_M1", False), ("tok_M2", True)]


@pytest.mark.parametrize(("after", "months"), [(2, 0), (0, 2)])
def test_bil_5_the_end_of_a_source_needs_both_how_many_and_in_how_many_months(
    club: Club, declines: Any, after: int, months: int
) -> None:
    with pytest.raises(InvalidArgument, match="needs both"):
        change(declines, "D01", invalidate_after=after, invalidate_months=months)
    kept = change(declines, "D01", invalidate_after=2, invalidate_months=2)
    assert (kept.invalidate_after, kept.invalidate_months) == (2, 2)


@pytest.mark.parametrize("other", [NOBODY, EVERYBODY])
def test_bil_5_another_enterprises_rows_of_the_decline_table_say_nothing_here(
    club: Club, declines: Any, other: UUID
) -> None:
    with club.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO decline_code SELECT (SELECT %s::uuid), code, class, 'Theirs', is_tried, is_updatable, false, "
            "1, 1, 2500, false, true, timing FROM decline_code WHERE code = 'D01'",
            (str(other),),
        )
    club.add_account("M1")
    play(club, M1="D01")
    assert (told(club).message, told(club).arm_entry) == ("Denied by the customer's bank", True)
    assert club.one("SELECT next_attempt_date FROM invoice") == DAY + timedelta(days=7)
    assert club.one("SELECT is_valid FROM funding_source") is True
    assert club.one("SELECT count(*) FROM decline_alert") == 0


# The rebill schedule


def test_bil_6_only_payments_that_went_through_tell_the_weekday_a_source_pays_on(club: Club, rebills: Any) -> None:
    set_schedule(rebills, PARENT, 7, smart=True, paydays=[31])
    club.add_account("M1")
    monday = date(2026, 1, 5)
    for week in range(4):
        play(club, monday + timedelta(days=7 * week), M1="D05")
        if week:
            play(club, monday + timedelta(days=7 * week + 4), M1="A01")
    play(club, monday + timedelta(days=28), M1="D03")
    reason = club.one("SELECT next_attempt_reason FROM payment WHERE response_code = 'D03'")
    assert "3 of the last 3 payments of this source went through on a Friday" in reason


@pytest.mark.parametrize("paydays", [[0], [32], [1, 32]])
def test_bil_6_a_payday_is_a_day_of_the_month(club: Club, rebills: Any, paydays: list[int]) -> None:
    with pytest.raises(InvalidArgument, match=r"paydays.*1 to 31"):
        set_schedule(rebills, PARENT, 7, smart=True, paydays=paydays)
    assert list(set_schedule(rebills, PARENT, 7, smart=True, paydays=[1, 31]).paydays) == [1, 31]


@pytest.mark.parametrize("tender", ["GOLD", "visa", "CASH"])
def test_bil_6_a_schedule_is_for_a_tender_that_is_known_or_for_every_one(club: Club, rebills: Any, tender: str) -> None:
    with pytest.raises(InvalidArgument, match=r"tender.*VISA, MC, DISC, AMEX, ACH, or empty"):
        set_schedule(rebills, PARENT, 5, tender=tender)
    assert club.rows("SELECT * FROM rebill_schedule") == []
    assert set_schedule(rebills, PARENT, 5, tender="ACH").tender == "ACH"
