"""How an account gets out of ARM, and what stops it meanwhile (SPEC ARM-5, SUS-9)."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from arm_facts import DAY, Club, account, account_id, date_of, item, on
from boss.events.agreements.v1 import agreements_events_pb2 as agreements
from boss.events.arm.v1 import arm_events_pb2 as arm

from boss_kit.errors import FailedPrecondition


def test_arm_5_a_balance_of_nothing_past_due_takes_the_account_out(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    club.go(4)
    club.pays("S1")
    summary = ready.summary("S1")
    assert (summary.status, summary.days_in_arm, summary.past_due_balance.units) == ("Not in ARM", 0, 0)
    assert summary.sent_balance.units == 35
    (closed,) = club.facts(arm.CycleClosed)
    assert (closed.account, closed.reason) == (account("S1"), "paid")
    assert ready.history("S1")[0].activity == "Removed from ARM: the past due balance is paid"
    assert ready.history("S1")[0].days_in_arm == 4


def test_arm_5_what_is_owed_but_not_yet_past_due_does_not_keep_the_account_in(club: Club, ready: Any) -> None:
    club.declines("S1")
    club.go(3)
    club.owes("S1", item("S1", on(3), 3500), item("S1", on(9), 3500))
    assert ready.summary("S1").status == "Not in ARM"


def test_arm_5_an_invoice_that_is_past_due_by_date_keeps_the_account_in(club: Club, ready: Any) -> None:
    club.declines("S1")
    club.go(3)
    club.owes("S1", item("S1", on(2), 500))
    assert ready.summary("S1").status == "Active"
    assert ready.summary("S1").past_due_balance.units == 5


def test_arm_5_removal_by_hand_needs_a_confirmation_of_the_warning(club: Club, ready: Any) -> None:
    club.declines("S1")
    with pytest.raises(FailedPrecondition) as unconfirmed:
        ready.remove("S1", confirmed=False)
    assert unconfirmed.value.reason == "CONFIRMATION_REQUIRED"
    assert (
        "if the member has another declined payment, they will automatically be put back into an active arm status"
        in unconfirmed.value.message.lower()
    )
    assert ready.summary("S1").status == "Active"
    assert ready.remove("S1").status == "Not in ARM"
    assert [fact.reason for fact in club.facts(arm.CycleClosed)] == ["removed"]
    assert ready.history("S1")[0].activity == "Removed from ARM manually"
    with pytest.raises(FailedPrecondition) as twice:
        ready.remove("S1")
    assert twice.value.reason == "NOT_IN_ARM"


def test_arm_5_no_step_goes_out_after_the_exit(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    club.pays("S1")
    (withdrawn,) = club.facts(arm.NotificationWithdrawn)
    assert withdrawn.step_id == asked.step_id
    ready.billing.past_due[account("S1")] = 3500
    assert ready.release(asked.step_id) == {asked.step_id: "CYCLE_CLOSED"}
    club.go(3)
    assert club.run() == []
    assert [row.type for row in ready.history("S1")] == ["SYS", "SYS"]


def test_arm_5_what_was_sent_before_the_exit_stays_in_the_history(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (asked,) = club.run()
    ready.billing.past_due[account("S1")] = 3500
    ready.release(asked.step_id)
    club.sent(asked.step_id, "S1")
    club.pays("S1")
    assert club.facts(arm.NotificationWithdrawn) == []
    assert [row.type for row in ready.history("S1")] == ["SYS", "Email", "SYS"]
    club.result(asked.step_id, "S1", "opened")
    assert ready.history("S1")[1].result == "Email was opened by member"


def test_arm_5_while_an_attempt_is_in_flight_the_account_is_suspended(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    owed = item("S1", DAY, 3500, declined=True)
    club.owes("S1", owed, in_flight=True)
    assert ready.summary("S1").status == "Suspended"
    assert club.run() == []
    club.go(1)
    club.owes("S1", owed)
    assert ready.summary("S1").status == "Active"
    assert len(club.run()) == 1
    suspensions = [row for row in ready.history("S1", suspension=True) if row.suspension]
    assert [(row.type, row.activity, row.contact_info) for row in suspensions] == [
        ("SYS", "Payment response received: returned to Active ARM status", ""),
        ("SYS", "Suspended pending payment results", ""),
    ]
    assert [row for row in ready.history("S1") if row.suspension] == []


def test_arm_5_an_attempt_that_pays_ends_suspension_and_cycle(club: Club, ready: Any) -> None:
    club.declines("S1")
    club.owes("S1", item("S1", DAY, 3500, declined=True), in_flight=True)
    club.pays("S1")
    assert ready.summary("S1").status == "Not in ARM"
    rows = ready.history("S1", suspension=True)
    assert [(row.activity, row.suspension) for row in rows[:2]] == [
        ("Removed from ARM: the past due balance is paid", False),
        ("Payment response received: the account is no longer past due", True),
    ]


def test_arm_5_an_account_added_by_hand_while_an_attempt_is_in_flight_is_suspended(club: Club, ready: Any) -> None:
    club.owes("S1", item("S1", on(-1), 3500), in_flight=True)
    assert ready.add("S1").status == "Suspended"


def test_arm_5_an_older_balance_that_comes_late_changes_nothing(club: Club, ready: Any) -> None:
    paid = club.balance("S1")
    club.declines("S1")
    club.send("billing", [paid])
    assert ready.summary("S1").status == "Active"


def test_sus_9_a_suspended_agreement_is_logged_and_pauses_no_step(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    fact = agreements.SuspensionStarted(
        suspension="s", account=account("S1"), type="Freeze", start_date=date_of(DAY), end_date=date_of(on(14))
    )
    for number in ("S1", "S2"):
        fact.account = account(number)
        club.send("agreements", [club.event(fact, account_id(number), str(uuid4()))])
    assert len(club.run()) == 1
    shown = [row for row in ready.history("S1", suspension=True) if row.suspension]
    assert [(row.type, row.activity, row.contact_info) for row in shown] == [
        ("SYS", "Agreement suspended (Freeze) from 2026-03-10 until 2026-03-24", "")
    ]
    assert [row for row in ready.history("S1") if row.suspension] == []


def test_sus_9_a_suspended_member_is_logged_once_for_an_account_however_many_agreements_it_has(
    club: Club, ready: Any
) -> None:
    club.member("S1")
    club.declines("S1")
    told: dict[str, Any] = {"suspension": "s", "account": account("S1"), "applied_to": "Member"}
    until = {"end_date": date_of(on(14))}
    facts = [
        agreements.SuspensionStarted(**told, agreement="one", type="Hold", start_date=date_of(DAY)),
        agreements.SuspensionStarted(**told, agreement="two", type="Hold", start_date=date_of(DAY), repeated=True),
        agreements.SuspensionEndChanged(**told, **until),
        agreements.SuspensionEnded(**told, agreement="one", **until),
        agreements.SuspensionEnded(**told, agreement="two", **until, repeated=True),
    ]
    club.send("agreements", [club.event(fact, account_id("S1"), str(uuid4())) for fact in facts])
    shown = [
        (row.type, row.activity, row.contact_info) for row in ready.history("S1", suspension=True) if row.suspension
    ]
    assert sorted(shown) == [
        ("SYS", "Member suspended (Hold) from 2026-03-10", ""),
        ("SYS", "Member suspension changed, first day back is 2026-03-24", ""),
        ("SYS", "Member suspension ended, first day back 2026-03-24", ""),
    ]
    assert [row for row in ready.history("S1") if row.suspension] == []


def test_all_2_what_follows_from_an_event_carries_its_story(club: Club, ready: Any) -> None:
    club.declines("S1")
    declined = club.decline("S1")
    opened = club.events()[0]
    assert UUID(opened.key) == account_id("S1")
    assert opened.business_unit
    assert opened.correlation.startswith("story-")
    assert opened.correlation != f"story-{declined.subject[-8:]}"
