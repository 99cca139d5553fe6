"""The end of the schedule (SPEC ARM-11)."""

from typing import Any

import pytest
from arm_facts import DAY, Club, account, item, on
from boss.events.arm.v1 import arm_events_pb2 as arm


@pytest.fixture
def owing(club: Club, ready: Any) -> Any:
    """Give arm's API with an account whose schedule is over, in a unit that hands over after 10 days."""
    ready.settings(hand_over_after_days=10, hand_over_agency="Example Recovery")
    ready.schedule([("Email", 0, 0), ("Letter", 5, 0)])
    club.member("S1")
    club.declines("S1")
    for days in (0, 5):
        club.go(days)
        for asked in club.run():
            club.sent(asked.step_id, "S1")
    return ready


def test_arm_11_an_account_that_still_owes_is_handed_over_once(club: Club, owing: Any) -> None:
    club.go(9)
    assert club.hand_over() == []
    club.go(10)
    (handed,) = club.hand_over()
    assert (handed.account, handed.past_due_balance.units, handed.agency) == (account("S1"), 35, "Example Recovery")
    assert handed.member.endswith(club.step(club.facts(arm.NotificationRequested)[0].step_id).member[-36:])
    assert [fact.reason for fact in club.facts(arm.CycleClosed)] == ["handed_over"]
    assert owing.summary("S1").status == "Not in ARM"
    assert owing.history("S1")[0].activity == "Handed over to collections: Example Recovery"
    assert club.hand_over() == []
    club.go(11)
    assert club.hand_over() == []


def test_arm_11_zero_days_never_hands_over(club: Club, owing: Any) -> None:
    owing.settings(hand_over_after_days=0)
    club.go(60)
    assert club.hand_over() == []


def test_arm_11_a_schedule_with_a_line_to_come_has_not_ended(club: Club, ready: Any) -> None:
    ready.settings(hand_over_after_days=1)
    ready.schedule([("Email", 0, 0), ("Letter", 5, 0)])
    club.member("S1")
    club.declines("S1")
    club.run()
    club.go(4)
    assert club.hand_over() == []
    club.go(5)
    (letter,) = club.run()
    assert club.hand_over() == [], "the letter is still on its way out"
    club.sent(letter.step_id, "S1")
    assert club.hand_over() == [], "so is the email, which nobody has sent"
    club.sent(club.facts(arm.NotificationRequested)[0].step_id, "S1")
    assert len(club.hand_over()) == 1


def test_arm_11_nobody_is_handed_over_while_an_attempt_is_in_flight(club: Club, owing: Any) -> None:
    club.go(10)
    owed = item("S1", DAY, 3500, declined=True)
    club.owes("S1", owed, in_flight=True)
    assert club.hand_over() == []
    club.owes("S1", owed)
    assert len(club.hand_over()) == 1


def test_arm_11_the_decline_of_a_debt_that_is_with_the_agency_does_not_bring_the_account_back(
    club: Club, owing: Any
) -> None:
    club.go(10)
    club.hand_over()
    old = item("S1", DAY, 3500, declined=True)
    club.go(12)
    club.send("billing", [club.decline("S1"), club.balance("S1", old)])
    assert owing.summary("S1").status == "Not in ARM"
    club.go(31)
    club.send("billing", [club.decline("S1"), club.balance("S1", old, item("S1", on(31), 3500, declined=True))])
    assert owing.summary("S1").status == "Active"
    assert [fact.sent_balance.units for fact in club.facts(arm.CycleOpened)] == [35, 70]


def test_arm_11_a_unit_that_is_off_hands_nobody_over(club: Club, owing: Any) -> None:
    owing.enable(enabled=False)
    club.go(10)
    assert club.hand_over() == []
