"""From a declined card to the payment that ends it, through all five services."""

import datetime
from pathlib import Path

import pytest
from boss.agreements.v1 import member_service_pb2 as members
from boss.collections.v1 import collections_service_pb2 as collections

from boss_cli import timeline
from boss_demo import installation, texts
from boss_demo.installation import FIRST_DAY, HAND_OVER_AFTER_DAYS
from tests.scenarios.conftest import Town

BILL_DAY = datetime.date(2026, 1, 5)
PAYS_ON = BILL_DAY + datetime.timedelta(days=16)
DECLINED, GOOD = "D03", "A01"
ATTEMPTS = 5

ADA = {"external_id": "S000001", "email": "ada@example.com", "token": "tok_0000000000000001"}
BEN = {"external_id": "S000002", "first_name": "Ben", "email": "ben@example.com", "token": "tok_0000000000000002"}
CAT = {"external_id": "S000003", "first_name": "Cat", "email": "cat@example.com", "token": "tok_0000000000000003"}
DAN = {"external_id": "S000004", "first_name": "Dan", "email": "dan@example.com", "token": "tok_0000000000000004"}
EVE = {
    "external_id": "S000005",
    "first_name": "Eve",
    "email": "eve@example.com",
    "token": "tok_0000000000000005",
    "freeze_from": "2026-01-04",
    "freeze_to": "2026-02-20",
}
FAY = {
    "external_id": "S000006",
    "first_name": "Fay",
    "email": "fay@example.com",
    "token": "tok_0000000000000006",
    "primary_source": "no",
}

ALWAYS = {
    ADA["token"]: DECLINED,
    BEN["token"]: DECLINED,
    FAY["token"]: DECLINED,
    CAT["token"]: GOOD,
    EVE["token"]: GOOD,
}
ANSWERS = [
    *((token, attempt, code) for token, code in ALWAYS.items() for attempt in range(1, ATTEMPTS + 1)),
    (DAN["token"], 1, DECLINED),
    *((DAN["token"], attempt, GOOD) for attempt in range(2, ATTEMPTS + 1)),
]


@pytest.fixture(scope="module")
def played(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Play two months of six members: Ada is declined and pays at the desk, Ben never pays, Dan is declined once."""
    report = town.take([ADA, BEN, CAT, DAN, EVE, FAY], tmp_path_factory.mktemp("club"))
    assert (report.imported, report.rejected) == (6, [])
    town.play_until(PAYS_ON)
    town.pay(town.account("S000001"), 3500)
    town.play_until(BILL_DAY + datetime.timedelta(days=HAND_OVER_AFTER_DAYS + 2))
    return town


def due_texts(until_day_offset: int) -> list[tuple[str, int]]:
    """List channel and day of the steps up to a day in ARM, for a balance of 35.00."""
    return [
        (texts.TEMPLATES[step.template].channel, step.day_offset)
        for step in texts.STEPS
        if step.day_offset <= until_day_offset
    ]


def steps_of(town: Town, external_id: str, first: datetime.date) -> list[tuple[str, int]]:
    """List channel and day in ARM of what went out to a member in the first cycle."""
    return [
        (activity.type, (_day(activity.activity_date) - first).days)
        for activity in town.history(town.account(external_id))
        if activity.type != "SYS" and activity.cycle_number == 1
    ]


def test_all_1_a_declined_payment_becomes_an_email_a_call_and_a_letter(played: Town) -> None:
    assert steps_of(played, "S000002", BILL_DAY) == due_texts(HAND_OVER_AFTER_DAYS)


def test_arm_5_a_payment_at_the_desk_ends_it_and_nothing_goes_out_after(played: Town) -> None:
    days = (PAYS_ON - BILL_DAY).days
    assert steps_of(played, "S000001", BILL_DAY) == due_texts(days)
    rows = [row.activity for row in played.history(played.account("S000001")) if row.cycle_number == 1]
    assert len([row for row in rows if "remov" in row.lower() or "paid" in row.lower()]) == 1


def test_not_2_each_email_went_out_once_over_real_smtp(played: Town) -> None:
    emails = played.emails_to("ada@example.com")
    assert len(emails) == len({message["Message-ID"] for message in emails})
    assert all("Denver Club" in str(message["From"]) or "denver-club" in str(message["From"]) for message in emails)
    # Two of the schedule's first cycle; a later bill may have begun a second one.
    assert len(emails) >= len([channel for channel, _ in due_texts((PAYS_ON - BILL_DAY).days) if channel == "Email"])


def test_arm_4_who_pays_never_hears_of_it(played: Town) -> None:
    assert played.summary(played.account("S000003")).status == "Not in ARM"
    assert not played.summary(played.account("S000003")).HasField("sent_date")
    assert played.emails_to("cat@example.com") == []


def test_arm_4_a_decline_of_a_source_that_is_not_primary_does_not_enter(played: Town) -> None:
    assert not played.summary(played.account("S000006")).HasField("sent_date")
    assert played.emails_to("fay@example.com") == []


def test_bil_2_a_resubmit_that_is_approved_takes_the_member_out(played: Town) -> None:
    rows = [row for row in played.history(played.account("S000004"), suspensions=True) if row.cycle_number == 1]
    assert steps_of(played, "S000004", BILL_DAY) == due_texts(6)
    assert any(row.suspension for row in rows)
    assert played.summary(played.account("S000004")).past_due_balance.units == 0


def test_sus_4_a_frozen_member_is_billed_on_the_first_day_back_and_not_before(played: Town) -> None:
    story = timeline.collect(played.everything.clients, played.account("S000005")).entries
    assert [entry for entry in story if entry.kind == "invoice"] == []
    played.play_until(datetime.date(2026, 2, 20))
    story = timeline.collect(played.everything.clients, played.account("S000005")).entries
    assert [entry.business_date for entry in story if entry.kind == "invoice"] == [datetime.date(2026, 2, 20)]


def test_arm_11_the_last_step_hands_over_to_collections(played: Town) -> None:
    stage = played.everything.clients.collections.collections.GetStage(
        collections.GetStageRequest(account=played.account("S000002"))
    )
    assert stage.stage == "Pending"
    assert _day(stage.set_date) == BILL_DAY + datetime.timedelta(days=HAND_OVER_AFTER_DAYS)


def test_col_1_the_report_lists_who_owes_as_of_a_day(played: Town) -> None:
    client = played.everything.clients.collections.collections
    request = collections.ListDebtorsRequest(parent=installation.ENTERPRISE, days_past_due_min=1)
    request.as_of_date.year, request.as_of_date.month, request.as_of_date.day = 2026, 1, 15
    early = {debtor.number: debtor.balance.units for debtor in client.ListDebtors(request).debtors}
    assert early == {"S000001": 35, "S000002": 35, "S000006": 35}


def test_all_2_one_story_goes_through_the_services_in_order(played: Town) -> None:
    story = timeline.collect(played.everything.clients, played.account("S000001"))
    assert story.missing == {}
    services = {entry.service for entry in story.entries}
    assert {"agreements", "billing", "arm", "notifications"} <= services
    assert [entry.business_date for entry in story.entries] == sorted(entry.business_date for entry in story.entries)
    on_the_day = [entry for entry in story.entries if entry.business_date == BILL_DAY]
    billed = {entry.correlation for entry in on_the_day if entry.service == "billing" and entry.kind == "payment"}
    entered = {entry.correlation for entry in on_the_day if entry.service == "arm"}
    assert entered & billed


def test_all_3_the_same_file_again_adds_nothing_and_says_so(played: Town, tmp_path: Path) -> None:
    report = played.take([ADA, BEN], tmp_path)
    assert (report.imported, report.already_there, report.rejected) == (0, 2, [])
    page = played.everything.clients.agreements.members.ListMembers(
        members.ListMembersRequest(parent=installation.ENTERPRISE)
    )
    assert len(page.members) == 6


def test_agr_4_an_imported_agreement_counts_as_billed_until_the_import(played: Town) -> None:
    story = timeline.collect(played.everything.clients, played.account("S000003")).entries
    assert min(entry.business_date for entry in story if entry.kind == "invoice") == BILL_DAY
    assert FIRST_DAY < BILL_DAY


def _day(value: "object") -> datetime.date:
    return datetime.date(value.year, value.month, value.day)  # type: ignore[attr-defined]  # google.type.Date
