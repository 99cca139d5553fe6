"""The four scenarios of the text, through the API, the daily job, bill runs and their answers (SPEC SUS-6)."""

from typing import Any

import pytest
from agreements_club import Club, iso
from agreements_frozen import GOLD, TRAINING, Desk
from boss.agreements.v1 import activity_service_pb2 as pb

ALLOWED, DENIED = pb.CheckInDecision.OUTCOME_ALLOWED, pb.CheckInDecision.OUTCOME_DENIED


@pytest.fixture
def desk(club: Club) -> Desk:
    return Desk(club)


@pytest.fixture
def member(desk: Desk) -> str:
    return desk.member()


@pytest.fixture
def agreement(desk: Desk, member: str) -> str:
    """Sell access and training, billed "Monthly Anniversary on the 10th", since 2/10 and billed through April."""
    desk.club.set_clock("2026-02-10")
    name = desk.sell(member, "2026-02-10", TRAINING)
    for day in ("2026-02-10", "2026-03-10", "2026-04-10"):
        assert len(desk.play(day)) == 2
    return name


def billed(desk: Desk, day: str) -> list[str]:
    return [item for _, item, _ in desk.play(day)]


def decided(answer: Any) -> tuple[Any, str]:
    return answer.outcome, answer.reason


def test_sus_6_scenario_1_not_billed_on_the_bill_date_but_on_the_day_back_which_becomes_the_anniversary(
    desk: Desk, member: str, agreement: str
) -> None:
    desk.club.set_clock("2026-05-01")
    desk.suspend("2026-05-10", "2026-05-24", agreement=agreement)
    assert billed(desk, "2026-05-10") == []
    for day in ("2026-05-10", "2026-05-17", "2026-05-23"):
        assert billed(desk, day) == []
        assert decided(desk.check_in(member))[0] == DENIED
        assert decided(desk.redeem(member))[0] == DENIED
        assert desk.usable(member) == []
    assert desk.play("2026-05-24") == [("2026-05-24", GOLD, 3500), ("2026-05-24", TRAINING, 10000)]
    assert decided(desk.check_in(member)) == (ALLOWED, "")
    assert desk.expiries(member)[-1] == "2026-06-23"
    assert billed(desk, "2026-06-10") == []
    assert billed(desk, "2026-06-24") == [GOLD, TRAINING]


def test_sus_6_scenario_2_units_are_locked_and_on_resume_good_until_6_22_and_no_bill_moves(
    desk: Desk, member: str, agreement: str
) -> None:
    assert billed(desk, "2026-05-10") == [GOLD, TRAINING]
    assert desk.expiries(member)[-1] == "2026-06-09"
    desk.redeem(member)
    desk.suspend("2026-05-17", "2026-05-31", agreement=agreement)
    assert billed(desk, "2026-05-16") == []
    assert decided(desk.redeem(member)) == (ALLOWED, "")
    for day in ("2026-05-17", "2026-05-30"):
        assert billed(desk, day) == []
        assert decided(desk.redeem(member)) == (DENIED, "SUSPENDED")
        assert decided(desk.check_in(member)) == (DENIED, "SUSPENDED")
        assert {(one.item, one.locked, iso(one.locked_until_date)) for one in desk.usable(member)} == {
            (GOLD, True, "2026-05-31"),
            (TRAINING, True, "2026-05-31"),
        }
    assert billed(desk, "2026-05-31") == []
    assert desk.expiries(member)[-1] == "2026-06-22"
    assert billed(desk, "2026-06-10") == [GOLD, TRAINING]
    left = [(iso(one.expiry_date), one.remaining_units) for one in desk.usable(member) if one.item == TRAINING]
    assert left == [("2026-06-22", "2"), ("2026-07-09", "4")]
    desk.club.set_clock("2026-06-22")
    assert decided(desk.redeem(member, "2")) == (ALLOWED, "")
    assert [one.remaining_units for one in desk.usable(member) if one.item == TRAINING] == ["0", "4"]


def test_sus_6_scenario_3_a_month_from_the_bill_date_bills_on_the_next_one_and_the_anniversary_stays(
    desk: Desk, member: str, agreement: str
) -> None:
    desk.club.set_clock("2026-05-01")
    desk.suspend("2026-05-10", "2026-06-10", agreement=agreement)
    for day in ("2026-05-10", "2026-05-24", "2026-06-09"):
        assert billed(desk, day) == []
        assert decided(desk.check_in(member))[0] == DENIED
        assert desk.usable(member) == []
    assert desk.play("2026-06-10") == [("2026-06-10", GOLD, 3500), ("2026-06-10", TRAINING, 10000)]
    assert decided(desk.check_in(member)) == (ALLOWED, "")
    assert billed(desk, "2026-07-10") == [GOLD, TRAINING]


def test_sus_6_scenario_4_billed_on_both_days_and_what_is_left_is_good_until_7_9(
    desk: Desk, member: str, agreement: str
) -> None:
    assert billed(desk, "2026-05-10") == [GOLD, TRAINING]
    desk.suspend("2026-05-17", "2026-06-17", agreement=agreement)
    for day in ("2026-05-17", "2026-06-09", "2026-06-10", "2026-06-16"):
        assert billed(desk, day) == []
        assert decided(desk.redeem(member))[0] == DENIED
    assert desk.play("2026-06-17") == [("2026-06-17", GOLD, 3500), ("2026-06-17", TRAINING, 10000)]
    assert desk.expiries(member)[-2:] == ["2026-07-09", "2026-07-16"]
    assert decided(desk.redeem(member, "8")) == (ALLOWED, "")
    assert billed(desk, "2026-07-10") == []
    assert billed(desk, "2026-07-17") == [GOLD, TRAINING]
