"""What goes out on which day (SPEC ARM-3, ARM-10)."""

from datetime import timedelta
from typing import Any

import pytest
from arm_facts import DAY, Club, account, contact_name, contacts, day_of, item, on
from boss.arm.v1 import configuration_service_pb2 as configuration_pb
from boss.events.arm.v1 import arm_events_pb2 as arm

ALL = (("Email", 0, 0), ("Phone", 3, 0), ("Email", 7, 1000), ("Letter", 14, 1000))


def texts(rows: Any) -> list[str]:
    """List what the system logged, oldest first, without entry and exit."""
    found = [row.activity for row in reversed(rows) if row.type == "SYS"]
    return [text for text in found if text.startswith(("Skipped", "Missed"))]


def test_arm_10_each_line_goes_out_once_on_its_day_in_arm(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    went_out = []
    for days in range(20):
        club.go(days)
        went_out += [(days, fact.channel) for fact in club.run()]
    assert went_out == [(offset, channel) for channel, offset, _ in ALL]
    history = [row for row in ready.history("S1") if row.type != "SYS"]
    assert [(row.type, row.activity, day_of(row.activity_date)) for row in reversed(history)] == [
        (channel, f"{channel} of day {offset}", on(offset)) for channel, offset, _ in ALL
    ]


def test_arm_10_running_a_day_twice_does_nothing_new(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    assert len(club.run()) == 1
    before = (club.count("activity"), club.count("outbox"), club.count("step"))
    assert club.run() == []
    assert (club.count("activity"), club.count("outbox"), club.count("step")) == before


def test_arm_10_a_request_says_all_that_sending_needs(club: Club, ready: Any) -> None:
    club.member("S1", do_not_call=True)
    club.declines("S1")
    club.go(14)
    requests = {fact.channel: fact for fact in club.run()}
    email, letter = requests["Email"], requests["Letter"]
    assert (email.account, email.attempt, day_of(email.send_date)) == (account("S1"), 0, on(14))
    assert (email.contact, email.contact_value) == (contact_name("S1", "email"), "s1@example.com")
    assert dict(email.placeholders) == {
        "first_name": "Ada",
        "last_name": "Example",
        "club_name": "Denver Club",
        "past_due_balance": "35.00 USD",
        "days_in_arm": "14",
        "sent_date": "March 10, 2026",
        "account_number": "S1",
        "caller_number": "+13035550130",
        "reply_to_address": "help@denver.example.com",
    }
    sender = email.sender
    assert (sender.display_name, sender.from_address) == ("Denver Club", "accounts@denver.example.com")
    assert (sender.caller_number, list(sender.return_address_lines)) == (
        "+13035550130",
        ["Denver Club", "1600 Glenarm Pl"],
    )
    assert (email.time_zone, email.do_not_call, email.recipient_name) == ("America/Denver", True, "Ada Example")
    assert (letter.contact_value, list(letter.address_lines)) == ("", ["1 Main St", "Denver, CO 80202"])
    assert email.template in {f"{asked.parent}/templates/{asked.request_id}" for asked in ready.notifications.asked}
    contact_info = {row.type: row.contact_info for row in ready.history("S1")}
    assert (contact_info["Email"], contact_info["Letter"]) == ("s1@example.com", "1 Main St")


def test_arm_10_the_id_of_a_step_follows_from_cycle_and_line(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (first,) = club.run()
    ready.remove("S1")
    club.declines("S1")
    (second,) = club.run()
    assert first.step_id != second.step_id
    assert first.cycle != second.cycle


def test_arm_10_after_missed_days_only_the_latest_due_step_of_a_channel_goes_out(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    club.go(8)
    assert sorted(fact.channel for fact in club.run()) == ["Email", "Phone"]
    assert texts(ready.history("S1")) == ["Missed: Email of day 0 (due on day 0)"]
    club.go(9)
    assert club.run() == []


def test_arm_10_below_its_threshold_a_step_is_skipped_logged_and_not_revisited(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1", 600)
    for days in (0, 3, 7):
        club.go(days)
        club.run()
    assert texts(ready.history("S1")) == ["Skipped: Email of day 7 (6.00 USD past due is below 10.00 USD)"]
    club.go(8)
    club.owes("S1", item("S1", DAY, 9000, declined=True))
    assert club.run() == []


def test_arm_3_a_step_above_its_greatest_balance_is_skipped(club: Club, ready: Any) -> None:
    template = ready.template("Email").name
    line = configuration_pb.ScheduleLine(
        channel="Email", template=template, description="Small debts", day_offset=0, active=True
    )
    line.past_due_max.currency_code, line.past_due_max.units = "USD", 20
    schedule = configuration_pb.Schedule(lines=[line])
    ready.configuration.CreateSchedule(
        configuration_pb.CreateScheduleRequest(
            parent=account("S1").split("/accounts")[0],
            schedule=schedule,
            request_id="33333333-0000-4000-8000-000000000001",
        )
    )
    for number, owed in (("S1", 2000), ("S2", 2001)):
        club.member(number)
        club.declines(number, owed)
    assert [fact.account for fact in club.run()] == [account("S1")]
    assert texts(ready.history("S2")) == ["Skipped: Small debts (20.01 USD past due is above 20.00 USD)"]


def test_arm_3_a_cycle_keeps_the_version_of_the_schedule_it_started_with(club: Club, ready: Any) -> None:
    for number in ("S1", "S2"):
        club.member(number)
    club.declines("S1")
    ready.schedule([("Letter", 0, 0)])
    club.declines("S2")
    assert {(fact.account, fact.channel) for fact in club.run()} == {
        (account("S1"), "Email"),
        (account("S2"), "Letter"),
    }


def test_arm_3_an_inactive_line_is_not_used(club: Club, ready: Any) -> None:
    made = ready.configuration.GetSchedule(
        configuration_pb.GetScheduleRequest(parent=account("S1").split("/accounts")[0])
    )
    for line in made.lines[:1]:
        line.active = False
    ready.configuration.CreateSchedule(
        configuration_pb.CreateScheduleRequest(
            parent=account("S1").split("/accounts")[0],
            schedule=made,
            request_id="33333333-0000-4000-8000-000000000002",
        )
    )
    club.member("S1")
    club.declines("S1")
    assert club.run() == []
    club.go(3)
    assert [fact.channel for fact in club.run()] == ["Phone"]


def test_arm_3_a_cycle_that_began_before_any_schedule_pins_the_first_one_it_meets(club: Club, api: Any) -> None:
    api.enable()
    api.settings()
    club.member("S1")
    club.declines("S1")
    assert club.run() == []
    api.schedule([("Email", 0, 0)])
    club.go(1)
    assert [fact.channel for fact in club.run()] == ["Email"]


def test_arm_9_an_invalid_contact_closes_its_channel_without_a_fallback(club: Club, ready: Any) -> None:
    spare = contacts("S1", email={"contact": contact_name("S1", "work"), "label": "work", "primary": False})[0]
    club.member("S1", ways=[*contacts("S1", email={"invalid": True, "label": "home"}), spare])
    club.declines("S1")
    assert club.run() == []
    assert texts(ready.history("S1")) == ["Skipped: Email of day 0 (the home contact is invalid)"]
    club.member("S1")
    club.go(7)
    assert sorted(fact.channel for fact in club.run()) == ["Email", "Phone"]


@pytest.mark.parametrize(
    ("label", "days", "text"),
    [
        ("email", 0, "Skipped: Email of day 0 (there is no email address)"),
        ("address", 14, "Skipped: Letter of day 14 (there is no postal address)"),
    ],
)
def test_arm_9_a_channel_without_a_contact_is_skipped(club: Club, ready: Any, label: str, days: int, text: str) -> None:
    club.member("S1", ways=[one for one in contacts("S1") if one.label != label])
    club.declines("S1")
    for day in range(days + 1):
        club.go(day)
        club.run()
    assert text in texts(ready.history("S1"))


def test_not_4_a_call_without_a_number_goes_out_blank_for_notifications_to_deny(club: Club, ready: Any) -> None:
    club.member("S1", ways=[one for one in contacts("S1") if one.label != "cell"])
    club.declines("S1")
    club.go(3)
    call = next(fact for fact in club.run() if fact.channel == "Phone")
    assert (call.contact, call.contact_value) == ("", "")
    club.result(call.step_id, "S1", "blank")
    row = next(row for row in ready.history("S1") if row.type == "Phone")
    assert (row.result, ready.summary("S1").phone_calls_made) == ("No phone number", 0)


def test_arm_10_a_cycle_waits_for_its_member_to_be_known(club: Club, ready: Any) -> None:
    club.declines("S1")
    assert club.run() == []
    club.member("S1")
    club.go(1)
    assert [fact.channel for fact in club.run()] == ["Email"]


def test_arm_10_open_lines_of_the_history_follow_the_daily_run(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    club.sent(asked.step_id, "S1")
    club.go(2)
    club.owes("S1", item("S1", DAY, 3500, declined=True), item("S1", on(1), 1000))
    club.run()
    email = next(row for row in ready.history("S1") if row.type == "Email")
    assert (email.days_in_arm, email.past_due_balance.units) == (2, 45)
    club.go(4)
    club.result(asked.step_id, "S1", "opened")
    club.go(6)
    club.run()
    email = next(row for row in ready.history("S1") if row.type == "Email")
    assert (email.days_in_arm, email.past_due_balance.units, day_of(email.result_date)) == (4, 45, on(4))


def test_arm_1_nothing_goes_out_while_it_is_switched_off(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    ready.enable(enabled=False)
    assert club.run() == []
    ready.enable()
    assert len(club.run()) == 1


def test_arm_10_a_run_handles_more_accounts_than_a_page(
    club: Club, ready: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boss_arm.cycles.store.PAGE_SIZE", 3)
    numbers = [f"S{number}" for number in range(10)]
    for number in numbers:
        club.member(number)
        club.declines(number)
    assert sorted(fact.account for fact in club.run()) == sorted(map(account, numbers))
    assert len(club.facts(arm.NotificationRequested)) == len(numbers)
    assert on(1) - timedelta(days=1) == DAY
