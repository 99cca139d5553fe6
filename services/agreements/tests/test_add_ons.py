"""Add-ons that follow their primary, or stay: when it expires, when it is suspended (SPEC AGR-6)."""

import pytest
from agreements_club import Club, iso
from agreements_family import START, TERM_END, Family
from agreements_frozen import GOLD, TRAINING, Desk
from agreements_wizard import Wizard
from boss.agreements.v1 import activity_service_pb2
from boss.agreements.v1 import suspension_service_pb2 as suspension_pb

from boss_kit.errors import FailedPrecondition

ALLOWED = activity_service_pb2.CheckInDecision.OUTCOME_ALLOWED


@pytest.fixture
def family(club: Club) -> Family:
    desk = Desk(club)
    made = Family(desk, desk.member("M1"), desk.member("M2"))
    club.set_clock(START)
    return made


def test_agr_6_add_ons_end_with_a_head_that_expires_and_bill_no_more(family: Family) -> None:
    family.sell(on_expiry="follow")
    family.play("2026-01-10", "2026-02-10")
    family.desk.club.run_day("2026-03-09")
    assert family.status() == ("Active", "Active")
    family.desk.club.run_day(TERM_END)
    assert family.status() == ("Expired", "Expired")
    assert family.play(TERM_END, "2026-04-10", "2027-01-10") == []
    assert family.desk.club.parked() == []


def test_agr_6_add_ons_stay_where_their_group_says_so(family: Family) -> None:
    family.sell()
    family.play("2026-01-10", "2026-02-10")
    assert family.play(TERM_END) == [(TERM_END, GOLD, 3500), (TERM_END, TRAINING, 10000)]
    assert family.status() == ("Expired", "Active")


def test_agr_6_agr_11_what_is_left_of_an_add_on_is_taken_back_on_the_expiry_day(family: Family) -> None:
    family.sell(start="2026-01-20", on_expiry="follow")
    family.play("2026-01-10", "2026-01-20", "2026-02-10", "2026-02-20")
    family.desk.club.run_day("2026-03-09")
    assert family.desk.redeem(family.owner).outcome == ALLOWED
    family.desk.club.run_day(TERM_END)
    gone = [one for one in family.desk.usable(family.owner, expired=True) if iso(one.expiry_date) >= TERM_END]
    assert {one.item for one in gone} == {GOLD, TRAINING}
    assert {(iso(one.revoked_date), one.revoke_reason) for one in gone} == {(TERM_END, "Expired with its primary")}
    assert family.desk.check_in(family.owner).outcome != ALLOWED


def test_agr_6_agr_10_the_change_history_says_why_an_add_on_expired(family: Family) -> None:
    family.sell(on_expiry="follow")
    family.play("2026-01-10", "2026-02-10", TERM_END)
    assert family.desk.changes(family.add_on)[-1] == (
        (
            "Agreement #A1 (Gold Monthly) status was changed from active to expired effective 3/10/26 "
            "with its primary Agreement #H1 (Gold Monthly), which expired."
        ),
        [f"Item ended: {GOLD}", f"Item ended: {TRAINING}"],
    )
    assert family.desk.changes(family.head) == []


def test_agr_6_an_add_on_whose_charge_is_still_to_be_billed_ends_once_it_is_answered(family: Family) -> None:
    family.sell(start="2026-01-20", on_expiry="follow")
    family.play("2026-01-10", "2026-01-20", "2026-02-10")
    family.desk.club.run_day(TERM_END)
    assert family.status() == ("Expired", "Active")
    for refused in (
        lambda: family.desk.suspend(TERM_END, agreement=family.add_on),
        lambda: Wizard(family.desk.club).request(family.add_on, "2026-05-31"),
    ):
        with pytest.raises(FailedPrecondition, match="over but for its last bills"):
            refused()
    assert family.desk.suspend("2026-03-12", member=family.owner, applied_to="Member").covered == []
    charges = family.desk.due(TERM_END)
    assert [(iso(one.due_date), iso(one.period_end_date)) for one in charges] == [("2026-02-20", "2026-03-09")] * 2
    assert sorted(one.amount.units for one in charges) == [35, 100], "what was due before the end costs its price"
    family.desk.answer(charges, TERM_END)
    family.desk.club.run_day("2026-03-11")
    assert family.status() == ("Expired", "Expired")
    assert family.desk.usable(family.owner) == []
    assert family.play("2026-03-20", "2026-04-20") == []


def test_agr_6_a_charge_that_is_being_billed_when_the_head_expires_is_still_owed(family: Family) -> None:
    family.sell(on_expiry="follow")
    family.play("2026-01-10", "2026-02-10")
    family.desk.club.set_clock(TERM_END)
    charges = family.desk.due(TERM_END)
    family.desk.club.run_day(TERM_END)
    family.desk.answer(charges, TERM_END)
    assert family.status() == ("Expired", "Active")
    family.desk.club.run_day("2026-03-11")
    assert family.status() == ("Expired", "Expired")
    assert family.play("2026-04-10") == []


def test_agr_6_an_add_on_that_is_to_be_cancelled_later_expires_and_is_not_cancelled_then(family: Family) -> None:
    family.sell(on_expiry="follow")
    wizard = Wizard(family.desk.club)
    family.play("2026-01-10", "2026-02-10")
    made = wizard.request(family.add_on, "2026-05-31")
    family.desk.club.run_day(TERM_END)
    assert family.status() == ("Expired", "Expired")
    found = family.desk.agreement(family.add_on)
    assert (found.pending_cancellation, found.HasField("cancel_date")) == (False, False)
    assert wizard.get(made).status == "Rescinded"
    wizard.run_day("2026-05-31")
    assert family.status() == ("Expired", "Expired")


def test_agr_6_an_add_on_that_waits_for_its_last_bill_is_not_cancelled_meanwhile(family: Family) -> None:
    family.sell(start="2026-01-20", on_expiry="follow")
    wizard = Wizard(family.desk.club)
    family.play("2026-01-10", "2026-01-20", "2026-02-10")
    made = wizard.request(family.add_on, "2026-03-15")
    family.desk.club.run_day(TERM_END)
    assert (family.status(), wizard.get(made).status) == (("Expired", "Active"), "Rescinded")
    wizard.run_day("2026-03-16")
    family.desk.bill("2026-03-16")
    family.desk.club.run_day("2026-03-17")
    assert family.status() == ("Expired", "Expired")


def test_agr_6_an_add_on_that_is_cancelled_before_the_head_expires_is_cancelled(family: Family) -> None:
    family.sell(start="2026-01-20", on_expiry="follow")
    wizard = Wizard(family.desk.club)
    family.play("2026-01-10", "2026-01-20", "2026-02-10")
    made = wizard.request(family.add_on, "2026-03-05")
    wizard.run_day("2026-03-05")
    family.desk.club.run_day(TERM_END)
    assert family.status() == ("Expired", "Active"), "its last bill is still to come"
    assert [cents for _, _, cents in family.desk.bill(TERM_END)] == [1750, 10000]
    wizard.run_day(TERM_END)
    assert family.status() == ("Expired", "Cancelled")
    assert wizard.get(made).status == "Final Invoiced", "its units go back"


def test_agr_6_an_add_on_that_is_suspended_ends_with_its_head(family: Family) -> None:
    family.sell(on_expiry="follow")
    family.play("2026-01-10", "2026-02-10")
    frozen = family.desk.suspend("2026-02-10", agreement=family.add_on)
    family.desk.club.run_day(TERM_END)
    assert family.status() == ("Expired", "Expired")
    assert family.desk.get(frozen.name).status == "Completed"
    assert family.play(TERM_END, "2026-04-10") == []


def test_agr_4_an_item_without_a_term_ends_with_the_key_item_once_it_is_billed(
    family: Family,
) -> None:
    family.sell()
    head = family.desk.sell(family.head_owner, START, TRAINING, months=2, number="H2")
    family.play("2026-01-10")
    family.desk.club.run_day("2026-02-10")
    gold = [charge for charge in family.desk.due("2026-02-10") if charge.item == GOLD]
    family.desk.answer(gold, "2026-02-10")
    family.desk.club.run_day(TERM_END)
    assert family.desk.agreement(head).status == "Active", "its training is still to be billed"
    late = [(iso(one.due_date), one.item) for one in family.desk.due(TERM_END) if head.endswith(one.agreement_id)]
    assert late == [("2026-02-10", TRAINING)]
    family.desk.bill(TERM_END)
    family.desk.club.run_day("2026-03-11")
    assert family.desk.agreement(head).status == "Expired"
    assert [one for one in family.desk.due("2026-04-10") if head.endswith(one.agreement_id)] == []


@pytest.mark.parametrize("listed_first", [True, False])
def test_agr_4_an_item_without_a_term_bills_nothing_from_the_end_of_its_agreement_on(
    family: Family, listed_first: bool
) -> None:
    """On the day of the end a run may come before the day's jobs, or without them; late cycles are caught up."""
    desk, club = family.desk, family.desk.club
    head = desk.sell(family.head_owner, START, TRAINING, months=2, number="H2")
    desk.play("2026-01-10")
    club.set_clock(TERM_END)
    if not listed_first:
        club.run_day(TERM_END)
    in_flight = desk.due(TERM_END)
    assert sorted((iso(one.due_date), one.item) for one in in_flight) == [
        ("2026-02-10", GOLD),
        ("2026-02-10", TRAINING),
    ], "both late cycles, and none of 3/10: the term's last day was 3/9"
    club.run_day(TERM_END)
    assert desk.agreement(head).status == "Active", "its last bills are on their way"
    desk.answer(in_flight, TERM_END)
    assert desk.due(TERM_END) == []
    club.run_day("2026-03-11")
    assert desk.agreement(head).status == "Expired"
    assert club.parked() == []
    assert family.play("2026-03-11", "2026-04-10", "2027-01-10") == []


def test_agr_4_what_waits_for_its_last_bills_names_no_bill_date_after_its_end(family: Family) -> None:
    head = family.desk.sell(family.head_owner, START, TRAINING, months=2, number="H2")
    family.play("2026-01-10")
    late = family.desk.agreement(head)
    assert iso(late.next_bill_date) == "2026-02-10"
    family.play("2026-02-10")
    assert not family.desk.agreement(head).HasField("next_bill_date"), "all of it is billed"


def test_agr_6_sus_1_add_ons_are_suspended_with_their_head_for_the_same_days(family: Family) -> None:
    family.sell(months=None, on_suspension="follow")
    family.play("2026-01-10")
    made = family.desk.suspend("2026-02-10", "2026-02-24", agreement=family.head)
    assert {one.agreement for one in made.covered} == {family.head, family.add_on}
    assert made.agreement == family.head
    assert family.play("2026-02-10") == []
    assert family.status() == ("Freeze", "Freeze")
    assert family.desk.check_in(family.owner).outcome != ALLOWED
    billed = family.play("2026-02-24")
    assert billed == [("2026-02-24", GOLD, 3500), ("2026-02-24", GOLD, 3500), ("2026-02-24", TRAINING, 10000)]
    assert family.status() == ("Active", "Active")
    assert "suspension status Freeze to Active" in family.desk.changes(family.add_on)[-1][0]


def test_agr_6_sus_1_add_ons_stay_when_their_group_says_so_and_a_primary_does_not_follow_them(family: Family) -> None:
    family.sell(months=None)
    family.play("2026-01-10")
    assert [one.agreement for one in family.desk.suspend("2026-02-10", agreement=family.head).covered] == [family.head]
    own = family.desk.suspend("2026-02-11", agreement=family.add_on)
    assert [one.agreement for one in own.covered] == [family.add_on]


def test_agr_6_sus_3_edits_ends_and_rescissions_of_a_heads_suspension_reach_its_add_ons(family: Family) -> None:
    family.sell(months=None, on_suspension="follow")
    family.play("2026-01-10")
    taken_back = family.desk.suspend("2026-03-01", "2026-03-05", agreement=family.head)
    family.desk.rescind(taken_back.name)
    assert not family.desk.agreement(family.add_on).pending_suspension
    made = family.desk.suspend("2026-02-05", "2026-04-01", agreement=family.head)
    family.desk.change(made.name, start_date="2026-02-08")
    family.desk.club.run_day("2026-02-07")
    assert family.status() == ("Active", "Active")
    family.desk.club.run_day("2026-02-12")
    assert family.status() == ("Freeze", "Freeze")
    assert family.desk.end(made.name, "2026-02-12").status == "Completed"
    assert family.status() == ("Active", "Active")
    assert [due for due, _, _ in family.desk.bill("2026-02-12")] == ["2026-02-12"] * 3


def test_agr_6_sus_1_the_preview_shows_the_add_ons_too(family: Family) -> None:
    family.sell(months=None, on_suspension="follow")
    family.play("2026-01-10")
    found: suspension_pb.SuspensionPreview = family.desk.preview("2026-02-05", "2026-02-20", agreement=family.head)
    shown = {one.agreement.agreement: [iso(bill.due_date) for bill in one.bills][:1] for one in found.agreements}
    assert shown == {family.head: ["2026-02-20"], family.add_on: ["2026-02-20"]}
    assert {one.item for one in found.activities} == {GOLD, TRAINING}


def test_agr_6_sus_1_add_ons_follow_a_head_whose_member_is_suspended(family: Family) -> None:
    family.sell(months=None, on_suspension="follow")
    made = family.desk.suspend("2026-02-05", member=family.head_owner, applied_to="Member")
    assert {one.agreement for one in made.covered} == {family.head, family.add_on}


def test_agr_6_the_reason_is_that_of_the_head_and_binds_no_add_on(family: Family) -> None:
    """A reason that must start on a bill date asks for the head's; the add-on bills on another day."""
    family.sell(months=None, start="2026-01-20", on_suspension="follow")
    family.play("2026-01-10", "2026-01-20")
    strict = family.desk.reason("Strict", must_start_on_key_item_bill_date=True)
    made = family.desk.suspend("2026-02-10", "2026-02-24", agreement=family.head, suspension_reason=strict.name)
    assert len(made.covered) == 2
    with pytest.raises(FailedPrecondition):
        family.desk.suspend("2026-02-27", "2026-03-03", agreement=family.head, suspension_reason=strict.name)


def test_agr_6_a_suspension_goes_on_for_the_add_ons_that_outlive_its_head(family: Family) -> None:
    family.sell(on_suspension="follow")
    family.play("2026-01-10", "2026-02-10")
    made = family.desk.suspend("2026-03-05", "2026-03-20", agreement=family.head)
    family.desk.club.run_day("2026-03-05")
    family.desk.club.run_day(TERM_END)
    assert family.status() == ("Expired", "Freeze")
    assert family.desk.get(made.name).status == "Active-Medical"
    assert family.play("2026-03-20") == [("2026-03-20", GOLD, 3500), ("2026-03-20", TRAINING, 10000)]
    assert (family.status()[1], family.desk.get(made.name).status) == ("Active", "Completed")


def test_agr_6_an_add_on_that_is_cancelled_leaves_the_suspension_of_its_head_alone(family: Family) -> None:
    family.sell(months=None, on_suspension="follow")
    family.play("2026-01-10")
    made = family.desk.suspend("2026-02-05", "2026-02-20", agreement=family.head)
    family.desk.club.run_day("2026-02-05")
    Wizard(family.desk.club).request(family.add_on, "2026-02-05")
    assert family.status() == ("Freeze", "Cancelled")
    assert family.desk.get(made.name).status == "Active-Medical"
    family.desk.club.run_day("2026-02-20")
    assert family.status() == ("Active", "Cancelled")
