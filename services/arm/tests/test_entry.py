"""How an account gets into ARM (SPEC ARM-4, ARM-8)."""

from typing import Any

import pytest
from arm_facts import DAY, Club, account, contact_name, contacts, day_of, item, on
from boss.events.arm.v1 import arm_events_pb2 as arm

from boss_kit.errors import FailedPrecondition


def test_arm_4_a_final_decline_of_the_primary_source_opens_a_cycle(club: Club, ready: Any) -> None:
    club.member("S1")
    club.declines("S1")
    (opened,) = club.facts(arm.CycleOpened)
    assert (opened.account, day_of(opened.sent_date), opened.sent_balance.units, opened.manual) == (
        account("S1"),
        DAY,
        35,
        False,
    )
    summary = ready.summary("S1")
    assert (summary.status, day_of(summary.sent_date), summary.days_in_arm) == ("Active", DAY, 0)
    assert (summary.sent_balance.units, summary.past_due_balance.units) == (35, 35)
    (entry,) = ready.history("S1")
    assert (entry.type, entry.activity) == ("SYS", "Sent to ARM: the primary payment was declined")


@pytest.mark.parametrize(
    "why_not", [{"primary": False}, {"arm_entry": False}], ids=["not the primary source", "a code that doesn't enter"]
)
def test_arm_4_other_declines_open_none(club: Club, ready: Any, why_not: dict[str, bool]) -> None:
    club.declines("S1", **why_not)
    assert ready.summary("S1").status == "Not in ARM"
    assert club.facts(arm.CycleOpened) == []


@pytest.mark.parametrize(("cards_only", "status"), [(True, "Not in ARM"), (False, "Active")])
def test_arm_4_a_bank_debit_enters_unless_the_unit_takes_cards_only(
    club: Club, ready: Any, cards_only: bool, status: str
) -> None:
    ready.settings(cards_only=cards_only)
    club.declines("S1", tender="ACH")
    club.declines("S2", tender="MC")
    assert ready.summary("S1").status == status
    assert ready.summary("S2").status == "Active"


def test_arm_1_a_decline_enters_nobody_while_it_is_off(club: Club, api: Any) -> None:
    club.declines("S1")
    assert club.count("cycle") == 0


@pytest.mark.parametrize("first", ["balance", "decline"])
def test_arm_4_the_sent_balance_is_the_same_whether_decline_or_balance_comes_first(
    club: Club, ready: Any, first: str
) -> None:
    old, new = item("S1", on(-31), 3500), item("S1", DAY, 2000)
    club.owes("S1", old, new, in_flight=True)
    new.declined = True
    pair = [club.decline("S1", 2000), club.balance("S1", old, new)]
    club.send("billing", reversed(pair) if first == "balance" else pair)
    assert [fact.sent_balance.units for fact in club.facts(arm.CycleOpened)] == [55]
    summary = ready.summary("S1")
    assert (summary.status, summary.sent_balance.units, summary.past_due_balance.units) == ("Active", 55, 55)
    assert [row.activity for row in ready.history("S1", suspension=True)] == [
        "Sent to ARM: the primary payment was declined"
    ]


@pytest.mark.parametrize("first", ["balance", "decline"])
def test_arm_4_an_ach_return_reopens_a_paid_invoice_and_enters_in_either_order(
    club: Club, ready: Any, first: str
) -> None:
    club.owes("S1")
    returned = item("S1", on(-5), 3500, declined=True)
    pair = [club.decline("S1", tender="ACH"), club.balance("S1", returned)]
    club.send("billing", reversed(pair) if first == "balance" else pair)
    assert [fact.sent_balance.units for fact in club.facts(arm.CycleOpened)] == [35]


@pytest.mark.parametrize("first", ["balance", "decline"])
def test_arm_4_a_late_decline_of_a_debt_that_is_paid_meanwhile_enters_nobody(
    club: Club, ready: Any, first: str
) -> None:
    club.owes("S1")
    pair = [club.decline("S1"), club.balance("S1")]
    club.send("billing", reversed(pair) if first == "balance" else pair)
    club.go(30)
    club.owes("S1", item("S1", on(1), 3500))
    assert club.facts(arm.CycleOpened) == []


def test_arm_4_a_decline_while_in_arm_adds_to_the_balance_and_opens_no_second_cycle(club: Club, ready: Any) -> None:
    first, second = item("S1", DAY, 3500, declined=True), item("S1", on(3), 2000, declined=True)
    club.declines("S1")
    club.go(3)
    club.send("billing", [club.decline("S1", 2000), club.balance("S1", first, second)])
    summary = ready.summary("S1")
    assert (summary.sent_balance.units, summary.past_due_balance.units, summary.days_in_arm) == (35, 55, 3)
    assert len(club.facts(arm.CycleOpened)) == 1


def test_arm_4_a_page_of_declines_opens_a_cycle_for_each_account(club: Club, ready: Any) -> None:
    numbers = [f"S{number}" for number in range(40)]
    events = [club.decline(number) for number in numbers]
    events += [club.balance(number, item(number, DAY, 3500, declined=True)) for number in numbers]
    club.send("billing", [*events, club.decline("S7")])
    assert sorted(fact.account for fact in club.facts(arm.CycleOpened)) == sorted(map(account, numbers))


def test_arm_4_an_account_is_added_by_hand_only_with_a_past_due_balance(club: Club, ready: Any) -> None:
    with pytest.raises(FailedPrecondition) as unknown:
        ready.add("S1")
    club.owes("S1", item("S1", DAY, 3500))
    with pytest.raises(FailedPrecondition) as due_today:
        ready.add("S1")
    assert {unknown.value.reason, due_today.value.reason} == {"NO_PAST_DUE_BALANCE"}
    club.go(1)
    assert ready.add("S1").status == "Active"
    assert [fact.manual for fact in club.facts(arm.CycleOpened)] == [True]
    assert [(row.type, row.activity) for row in ready.history("S1")] == [("SYS", "Sent to ARM manually")]
    with pytest.raises(FailedPrecondition) as twice:
        ready.add("S1")
    assert twice.value.reason == "ALREADY_IN_ARM"


def test_arm_4_re_entry_after_removal_opens_a_new_cycle(club: Club, ready: Any) -> None:
    club.declines("S1")
    ready.remove("S1")
    club.go(2)
    club.declines("S1")
    assert [(row.cycle_number, row.activity) for row in ready.history("S1")] == [
        (2, "Sent to ARM: the primary payment was declined"),
        (1, "Removed from ARM manually"),
        (1, "Sent to ARM: the primary payment was declined"),
    ]
    assert day_of(ready.summary("S1").sent_date) == on(2)


def test_arm_8_entry_chooses_one_contact_for_each_channel_with_a_template(club: Club, api: Any) -> None:
    api.enable()
    api.settings()
    api.schedule([("Email", 0, 0), ("Letter", 7, 0)])
    club.member("S1")
    club.declines("S1")
    (opened,) = club.facts(arm.CycleOpened)
    assert opened.member == contact_name("S1", "email").split("/contacts")[0]
    assert list(opened.contacts) == [contact_name("S1", "email"), contact_name("S1", "address")]


def test_arm_8_a_contact_chosen_by_hand_comes_before_the_primary_one(club: Club, ready: Any) -> None:
    work = contacts(
        "S1", email={"contact": contact_name("S1", "work"), "label": "work", "primary": False, "arm_purpose": True}
    )
    club.member("S1", ways=[*contacts("S1"), work[0]])
    club.declines("S1")
    assert contact_name("S1", "work") in club.facts(arm.CycleOpened)[0].contacts
    assert contact_name("S1", "email") not in club.facts(arm.CycleOpened)[0].contacts


def test_arm_8_an_invalid_primary_contact_is_not_chosen(club: Club, ready: Any) -> None:
    club.member("S1", ways=contacts("S1", email={"invalid": True}))
    club.declines("S1")
    assert list(club.facts(arm.CycleOpened)[0].contacts) == [contact_name("S1", "cell"), contact_name("S1", "address")]
