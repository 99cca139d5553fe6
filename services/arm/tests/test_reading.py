"""Pages, counts and the story."""

from typing import Any

from arm_facts import DAY, ENTERPRISE, Club, account, day_of, item, on, unit_name
from boss.arm.v1 import cycle_service_pb2 as pb
from boss.platform.v1 import timeline_service_pb2 as timeline_pb


def test_arm_7_the_history_is_paged_newest_cycle_and_activity_first(club: Club, ready: Any) -> None:
    club.member("S1")
    for days in range(3):
        club.go(days)
        club.declines("S1")
        club.run()
        club.pays("S1")
    whole = ready.history("S1", suspension=True)
    assert [row.cycle_number for row in whole] == sorted((row.cycle_number for row in whole), reverse=True)
    rows, token = [], ""
    while True:
        request = pb.ListArmHistoryRequest(
            parent=account("S1"), include_suspension_activity=True, page_size=2, page_token=token
        )
        page = ready.cycles.ListArmHistory(request)
        rows += page.arm_activities
        token = page.next_page_token
        if not token:
            break
    assert rows == list(whole)
    assert len(rows) == 6


def test_arm_6_an_account_that_was_never_in_is_not_in_arm(ready: Any) -> None:
    summary = ready.summary("S9")
    assert (summary.status, summary.HasField("sent_date"), summary.past_due_balance.units) == ("Not in ARM", False, 0)


def test_arm_6_past_due_is_live_and_the_sent_balance_frozen(club: Club, ready: Any) -> None:
    club.declines("S1")
    club.owes("S1", item("S1", DAY, 3500, declined=True), item("S1", on(3), 2000))
    assert ready.summary("S1").past_due_balance.units == 35
    club.go(4)
    summary = ready.summary("S1")
    assert (summary.past_due_balance.units, summary.sent_balance.units, summary.days_in_arm) == (55, 35, 4)


def test_arm_4_the_counts_say_how_many_are_in_and_that_nobody_is_in_twice(club: Club, ready: Any) -> None:
    for number in ("S1", "S2", "S3"):
        club.declines(number)
    club.pays("S2")
    for parent in (f"enterprises/{ENTERPRISE}", unit_name()):
        counts = ready.cycles.GetArmStatistics(pb.GetArmStatisticsRequest(parent=parent))
        assert (counts.opened, counts.closed, counts.active, counts.accounts_with_two_open_cycles) == (3, 1, 2, 0)


def test_all_2_the_timeline_tells_arms_part_in_order_with_amounts(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    club.sent(asked.step_id, "S1")
    club.result(asked.step_id, "S1", "opened")
    club.go(2)
    club.pays("S1")
    entries, token = [], ""
    while True:
        request = timeline_pb.ListTimelineEntriesRequest(parent=account("S1"), page_size=1, page_token=token)
        page = ready.timeline.ListTimelineEntries(request)
        entries += page.timeline_entries
        token = page.next_page_token
        if not token:
            break
    assert [(day_of(entry.business_date), entry.text) for entry in entries] == [
        (DAY, "Sent to ARM: the primary payment was declined; 35.00 USD past due, day 0 in ARM."),
        (
            DAY,
            "Email due to s1@example.com: Email of day 0; result of 2026-03-10: Email was opened by member.",
        ),
        (on(2), "Removed from ARM: the past due balance is paid; 0.00 USD past due, day 2 in ARM."),
    ]
    assert {entry.service for entry in entries} == {"arm"}
    assert all(entry.correlation and entry.subject.startswith(account("S1")) for entry in entries)


def test_all_2_an_account_nobody_has_heard_of_has_no_story(ready: Any) -> None:
    request = timeline_pb.ListTimelineEntriesRequest(parent=account("S9"))
    assert list(ready.timeline.ListTimelineEntries(request).timeline_entries) == []
