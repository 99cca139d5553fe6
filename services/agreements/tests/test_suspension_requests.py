"""Suspensions of agreements, members and accounts, with a reason's limits and effects (SPEC SUS, AGR-3)."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_catalogue import PART, REQUEST_REASON, RULES, SHARED, SUSPENSION_REASON, WORK_ROLE
from agreements_club import Club, cents, iso, usd
from agreements_frozen import GOLD, TRAINING, Desk
from agreements_wizard import Wizard
from boss.agreements.v1 import (
    activity_service_pb2,
    agreement_service_pb2,
    reason_service_pb2,
    suspension_service_pb2_grpc,
)

from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from boss_kit.ids import derived_id

ALLOWED = activity_service_pb2.CheckInDecision.OUTCOME_ALLOWED
DENIED = activity_service_pb2.CheckInDecision.OUTCOME_DENIED


@pytest.fixture
def desk(club: Club) -> Desk:
    return Desk(club)


@pytest.fixture
def member(desk: Desk) -> str:
    return desk.member()


@pytest.fixture
def agreement(desk: Desk, member: str) -> str:
    return desk.sell(member, "2026-01-10", TRAINING)


def statuses(desk: Desk, *agreements: str) -> list[str]:
    return [desk.agreement(one).status for one in agreements]


def told(desk: Desk) -> list[tuple[str, str, str, bool]]:
    """Give the facts about suspensions since the last time: what, agreement, account, repeated."""
    return [
        (event.type.split(".")[-1], fact.agreement, fact.account, fact.repeated)
        for event, fact in desk.club.facts()
        if ".suspension." in event.type
    ]


def refused(error: Any) -> tuple[str, str]:
    return error.value.reason, error.value.metadata.get("field", "")


def test_sus_1_a_member_is_suspended_with_all_agreements_and_nobody_else_on_a_shared_account(
    desk: Desk, member: str, agreement: str
) -> None:
    other_account = derived_id(UUID(int=5), "shared")
    second = desk.sell(member, "2026-01-05", account_id=other_account)
    partner = desk.member("M2")
    shared = desk.sell(partner, "2026-01-05", external_id="M1")
    desk.club.facts()
    made = desk.suspend("2026-01-12", "2026-01-20", member=member, applied_to="Member")
    assert {one.agreement for one in made.covered} == {agreement, second}
    desk.club.run_day("2026-01-12")
    assert statuses(desk, agreement, second, shared) == ["Freeze", "Freeze", "Active"]
    unit = desk.club.unit
    mine, other = f"{unit}/accounts/{desk.club.account_id()}", f"{unit}/accounts/{other_account}"
    assert sorted(told(desk)) == sorted([("started", agreement, mine, False), ("started", second, other, False)])
    assert desk.play("2026-01-12") == [("2026-01-05", GOLD, 3500)], "the partner's agreement bills on"
    desk.club.run_day("2026-01-20")
    assert statuses(desk, agreement, second) == ["Active", "Active"]
    assert desk.get(made.name).status == "Completed"


def test_sus_1_an_account_is_suspended_with_the_agreements_billed_to_it(
    desk: Desk, member: str, agreement: str
) -> None:
    partner = desk.member("M2")
    shared = desk.sell(partner, "2026-01-05", external_id="M1")
    own = desk.sell(partner, "2026-01-05", external_id="M2")
    desk.club.facts()
    account = f"{desk.club.unit}/accounts/{desk.club.account_id()}"
    made = desk.suspend("2026-01-01", account=account, applied_to="Account")
    assert {one.agreement for one in made.covered} == {agreement, shared}
    assert statuses(desk, agreement, shared, own) == ["Freeze", "Freeze", "Active"]
    first, second = told(desk)
    assert [one[2:] for one in (first, second)] == [(account, False), (account, True)]


def test_sus_1_a_member_without_an_agreement_is_suspended_and_the_account_is_told(desk: Desk, member: str) -> None:
    made = desk.suspend("2026-01-01", "2026-01-05", member=member, applied_to="Member")
    account = f"{desk.club.unit}/accounts/{desk.club.account_id()}"
    assert (made.status, list(made.covered)) == ("Active-Medical", [])
    desk.club.run_day("2026-01-05")
    assert told(desk) == [("started", "", account, False), ("ended", "", account, False)]
    with pytest.raises(FailedPrecondition, match="suspend the member") as error:
        desk.suspend("2026-01-10", account=account, applied_to="Account")
    assert error.value.reason == "NOTHING_TO_SUSPEND"


def test_sus_1_what_cannot_be_suspended_is_refused(desk: Desk, member: str, agreement: str) -> None:
    with pytest.raises(InvalidArgument, match="Agreement, Member or Account"):
        desk.suspend("2026-01-12", agreement=agreement, applied_to="Club")
    with pytest.raises(InvalidArgument, match=r"suspension\.member|form"):
        desk.suspend("2026-01-12", agreement=agreement, applied_to="Member")
    with pytest.raises(NotFound):
        desk.suspend("2026-01-12", member=f"{desk.club.unit}/members/{uuid4()}", applied_to="Member")
    with pytest.raises(FailedPrecondition) as error:
        desk.suspend("2026-01-12", agreement=agreement, type="Hold")
    assert refused(error) == ("REASON_OF_OTHER_TYPE", "suspension.type")


def test_sus_2_the_end_date_is_the_first_day_back_and_may_be_open(desk: Desk, agreement: str) -> None:
    made = desk.suspend("2026-01-12", agreement=agreement)
    assert not made.HasField("end_date")
    assert made.status == "Pending Start"
    desk.club.run_day("2026-06-01")
    assert desk.get(made.name).status == "Active-Medical"
    desk.end(made.name, "2026-06-03")
    desk.club.run_day("2026-06-02")
    assert statuses(desk, agreement) == ["Freeze"]
    desk.club.run_day("2026-06-03")
    assert (statuses(desk, agreement), desk.get(made.name).status) == (["Active"], "Completed")


def test_sus_2_on_the_end_date_the_member_is_back_and_a_bill_of_that_day_is_due(desk: Desk, agreement: str) -> None:
    member = desk.club.member_name()
    desk.play("2026-01-10")
    desk.suspend("2026-02-03", "2026-02-10", agreement=agreement)
    for text, outcome in (("2026-02-02", ALLOWED), ("2026-02-03", DENIED), ("2026-02-09", DENIED)):
        desk.club.run_day(text)
        assert desk.check_in(member).outcome == outcome
    assert {due for due, _, _ in desk.play("2026-02-10")} == {"2026-02-10"}
    assert desk.check_in(member).outcome == ALLOWED


def test_sus_3_a_pending_suspension_changes_both_days_and_is_rescinded(desk: Desk, agreement: str) -> None:
    made = desk.suspend("2026-01-12", "2026-01-20", agreement=agreement)
    moved = desk.change(made.name, start_date="2026-01-08", end_date="2026-01-14")
    assert (iso(moved.start_date), iso(moved.end_date)) == ("2026-01-08", "2026-01-14")
    assert [iso(one.next_bill_date) for one in moved.covered] == ["2026-01-14"]
    opened = desk.change(made.name, end_date="")
    assert not opened.HasField("end_date")
    assert not opened.covered[0].HasField("next_bill_date")
    gone = desk.rescind(made.name)
    assert gone.status == "Rescinded"
    assert [iso(one.next_bill_date) for one in gone.covered] == ["2026-01-10"]
    assert desk.play("2026-01-10") == [("2026-01-10", GOLD, 3500), ("2026-01-10", TRAINING, 10000)]
    desk.club.run_day("2026-01-12")
    assert statuses(desk, agreement) == ["Active"]


def test_sus_3_a_started_suspension_changes_its_end_only_and_comments_always(desk: Desk, agreement: str) -> None:
    made = desk.suspend("2026-01-12", "2026-01-20", agreement=agreement)
    desk.play("2026-01-10")
    desk.club.run_day("2026-01-12")
    desk.club.facts()
    with pytest.raises(FailedPrecondition) as error:
        desk.change(made.name, start_date="2026-01-15")
    assert refused(error) == ("SUSPENSION_STARTED", "suspension.start_date")
    with pytest.raises(FailedPrecondition) as error:
        desk.rescind(made.name)
    assert error.value.reason == "SUSPENSION_NOT_PENDING"
    assert iso(desk.change(made.name, end_date="2026-02-15").end_date) == "2026-02-15"
    account = f"{desk.club.unit}/accounts/{desk.club.account_id()}"
    assert told(desk) == [("end_changed", agreement, account, False)]
    assert desk.change(made.name, comments="Knee").comments == "Knee"
    assert desk.change(made.name, end_date="2026-01-12").status == "Completed"
    assert desk.change(made.name, comments="Knee, better").comments == "Knee, better"
    with pytest.raises(FailedPrecondition) as error:
        desk.change(made.name, end_date="2026-02-15")
    assert error.value.reason == "SUSPENSION_OVER"
    with pytest.raises(InvalidArgument, match="only start_date, end_date and comments"):
        desk.change(made.name, reason="Other")


def test_sus_3_a_request_keeps_everything_and_saving_returns_the_details(desk: Desk, agreement: str) -> None:
    desk.token = desk.club.tokens.token("mia", ["club_manager"], [desk.club.unit])
    desk.club.set_clock("2026-01-08")
    made = desk.suspend(
        "2026-01-12",
        "2026-01-20",
        agreement=agreement,
        comments="Knee",
        received_date="2026-01-02",
        exception_reason="Surgeon's letter",
        exception_value="10 days",
        exception_comments="Seen",
        adjustment_reason="Goodwill",
        adjustment_credit_date="2026-02-10",
    )
    assert made == desk.get(made.name) == desk.listed(agreement=agreement)[0]
    assert (made.reason, made.type, made.comments, made.applied_to) == ("Medical", "Freeze", "Knee", "Agreement")
    assert (made.entered_by, iso(made.received_date), made.create_time.seconds > 0) == ("mia", "2026-01-02", True)
    assert (made.exception_reason, made.exception_value) == ("Surgeon's letter", "10 days")
    assert (made.exception_comments, made.adjustment_reason) == ("Seen", "Goodwill")
    assert iso(made.adjustment_credit_date) == "2026-02-10"
    assert (made.effects.stop_billing, made.effects.extend_obligation) == (True, False)
    (covered,) = made.covered
    assert (covered.agreement, covered.display_name, covered.status) == (agreement, "Gold Monthly", "Active")
    with pytest.raises(FailedPrecondition) as error:
        desk.suspend("2026-03-12", agreement=agreement, received_date="2026-01-09")
    assert refused(error) == ("RECEIVED_IN_THE_FUTURE", "suspension.received_date")
    with pytest.raises(InvalidArgument, match="adjustment_reason"):
        desk.suspend("2026-03-12", agreement=agreement, adjustment_credit_date="2026-03-20")


def test_sus_3_an_exception_needs_its_permission_and_is_optional(desk: Desk, agreement: str) -> None:
    desk.reason()
    desk.token = desk.club.tokens.token("tom", ["front_desk"], [desk.club.unit])
    with pytest.raises(PermissionDenied) as error:
        desk.suspend("2026-01-12", agreement=agreement, exception_reason="Friend of the house")
    assert refused(error) == ("EXCEPTION_NOT_ALLOWED", "suspension.exception_reason")
    assert desk.suspend("2026-01-12", "2026-01-20", agreement=agreement).status == "Pending Start"


def test_sus_3_overlapping_suspensions_of_one_thing_are_refused_and_those_of_different_things_join(
    desk: Desk, member: str, agreement: str
) -> None:
    desk.suspend("2026-01-12", "2026-01-20", agreement=agreement)
    with pytest.raises(FailedPrecondition) as error:
        desk.suspend("2026-01-19", agreement=agreement)
    assert error.value.reason == "SUSPENSION_OVERLAPS"
    desk.suspend("2026-01-05", "2026-01-15", member=member, applied_to="Member")
    assert [iso(one.next_bill_date) for one in desk.listed()[0].covered] == ["2026-01-20"]
    assert desk.play("2026-01-15") == []
    assert [item for _, item, _ in desk.play("2026-01-20")] == [GOLD, TRAINING]


def test_sus_3_lists_show_active_ones_first_and_all_of_a_member(desk: Desk, member: str, agreement: str) -> None:
    desk.suspend("2026-01-02", "2026-01-03", agreement=agreement)
    desk.suspend("2026-02-01", "2026-02-02", member=member, applied_to="Member")
    desk.suspend("2026-01-10", "2026-01-12", agreement=agreement)
    desk.club.run_day("2026-01-10")
    assert [one.status for one in desk.listed(member=member)] == ["Active-Medical", "Pending Start", "Completed"]
    assert [one.status for one in desk.listed(agreement=agreement)] == ["Active-Medical", "Pending Start", "Completed"]


def test_agr_3_a_reason_limits_the_days_and_an_exception_lifts_the_limits(desk: Desk, agreement: str) -> None:
    limits = {"must_start_on_key_item_bill_date": True, "days_min": 7, "days_max": 60, "open_ended": False}
    reason = desk.reason("Travel", **limits).name
    for start, end, code in (
        ("2026-01-12", "2026-02-12", "START_NOT_ON_BILL_DATE"),
        ("2026-02-10", "2026-02-12", "SUSPENSION_LENGTH"),
        ("2026-02-10", "2026-05-12", "SUSPENSION_LENGTH"),
        ("2026-02-10", None, "OPEN_END_NOT_ALLOWED"),
    ):
        with pytest.raises(FailedPrecondition) as error:
            desk.suspend(start, end, agreement=agreement, suspension_reason=reason)
        assert refused(error) == (code, "reason")
    made = desk.suspend("2026-02-10", "2026-03-10", agreement=agreement, suspension_reason=reason)
    with pytest.raises(FailedPrecondition, match="7 to 60 days"):
        desk.change(made.name, end_date="2026-06-10")
    desk.rescind(made.name)
    excepted = {"suspension_reason": reason, "exception_reason": "Pilgrimage"}
    assert desk.suspend("2026-02-12", "2026-07-01", agreement=agreement, **excepted).status == "Pending Start"


def test_agr_3_a_first_day_back_is_a_bill_date_to_start_on_too(desk: Desk, agreement: str) -> None:
    desk.suspend("2026-01-10", "2026-01-24", agreement=agreement)
    reason = desk.reason("Travel", must_start_on_key_item_bill_date=True).name
    assert desk.suspend("2026-02-24", agreement=agreement, suspension_reason=reason).status == "Pending Start"


def test_agr_3_a_reason_needs_the_approval_of_a_role(desk: Desk, agreement: str) -> None:
    desk.catalogue.create(WORK_ROLE(display_name="Manager"))
    reason = desk.reason("Hardship", approver_roles=["Manager"]).name
    club = desk.club
    desk.token = club.tokens.token("tom", ["front_desk"], [club.unit], work_role="Sales")
    with pytest.raises(FailedPrecondition, match="Manager") as error:
        desk.suspend("2026-01-12", agreement=agreement, suspension_reason=reason)
    assert error.value.reason == "APPROVAL_REQUIRED"
    mia = club.tokens.token("mia", ["club_manager"], [club.unit], work_role="Manager", workstation="Office")
    stub = suspension_service_pb2_grpc.SuspensionServiceStub(club.server.plain)
    request = agreement_service_pb2.CreateSuspensionRequest(
        parent=club.unit,
        suspension=desk.asked("2026-01-12", "2026-01-20", agreement=agreement, suspension_reason=reason),
        request_id=str(uuid4()),
    )
    metadata = [("authorization", f"Bearer {desk.token}"), ("boss-approval", f"Bearer {mia}")]
    made = stub.CreateSuspension(request, metadata=metadata, timeout=10)
    assert (made.status, made.entered_by, made.approved_by) == ("Pending Start", "tom", "mia")
    desk.token = mia
    own = desk.suspend("2026-03-12", agreement=agreement, suspension_reason=reason)
    assert (own.entered_by, own.approved_by) == ("mia", "")


def test_agr_3_only_linked_active_reasons_are_offered_and_a_later_change_alters_nothing(
    desk: Desk, agreement: str
) -> None:
    made = desk.suspend("2026-01-12", "2026-01-20", agreement=agreement)
    reason = desk.catalogue.get("SuspensionReason", made.suspension_reason)
    desk.reasons["Medical"] = desk.catalogue.update(reason, stop_billing=False, inactive=True)
    assert desk.get(made.name).effects.stop_billing
    with pytest.raises(FailedPrecondition) as error:
        desk.suspend("2026-02-12", agreement=agreement)
    assert error.value.reason == "REASON_NOT_OFFERED"


def test_agr_3_a_unit_uses_what_the_enterprise_shares(desk: Desk, agreement: str) -> None:
    shared = desk.catalogue.create(
        SUSPENSION_REASON(display_name="Pregnancy", type="Hold", open_ended=True, stop_billing=True), SHARED
    )
    desk.token = desk.club.tokens.token("tom", ["front_desk"], [desk.club.unit])
    made = desk.suspend("2026-01-12", agreement=agreement, suspension_reason=shared.name)
    assert (made.type, made.reason, made.suspension_reason) == ("Hold", "Pregnancy", shared.name)
    assert desk.get(made.name) == made


def test_sus_3_a_request_without_a_reason_of_the_catalogue_stops_billing(desk: Desk, agreement: str) -> None:
    made = desk.suspend("2026-01-05", agreement=agreement, suspension_reason="none", type="Hold", reason="Handed over")
    assert (made.reason, made.effects.stop_billing, made.effects.prevent_activity_use) == ("Handed over", True, False)
    assert desk.play("2026-01-10") == []


def test_agr_3_the_obligation_moves_by_the_full_days_suspended_overlaps_once(desk: Desk, member: str) -> None:
    agreement = desk.sell(member, "2026-01-10", obligation_end_date=date(2026, 12, 31))
    reason = desk.reason("Travel", extend_obligation_date=True).name
    desk.suspend("2026-01-12", "2026-01-26", agreement=agreement, suspension_reason=reason)
    desk.suspend("2026-01-20", "2026-02-02", member=member, applied_to="Member", suspension_reason=reason)
    for day, expected in (
        ("2026-01-20", "2026-12-31"),
        ("2026-01-26", "2026-12-31"),
        # 1/12 to 2/2 are 21 days.
        ("2026-02-02", "2027-01-21"),
        ("2026-02-03", "2027-01-21"),
    ):
        desk.club.run_day(day)
        assert iso(desk.agreement(agreement).obligation_end_date) == expected, day
    desk.suspend("2026-03-01", "2026-03-11", agreement=agreement)
    desk.club.run_day("2026-03-11")
    assert iso(desk.agreement(agreement).obligation_end_date) == "2027-01-21"


def test_sus_4_many_lines_and_kinds_of_schedules_bill_once_on_the_first_day_back(desk: Desk, member: str) -> None:
    weekly = desk.sell(member, "2026-01-05", schedule="weekly")
    fixed = desk.sell(member, "2026-01-06", schedule="monthly_on_15")
    for name in (weekly, fixed):
        desk.suspend("2026-01-02", "2026-01-30", agreement=name)
    assert [desk.play(f"2026-01-{day:02}") for day in (5, 12, 15, 29)] == [[]] * 4
    # 16 of the 31 days from 1/15 to 2/15 are left: 35.00 x 16/31.
    assert desk.play("2026-01-30") == [("2026-01-30", GOLD, 1806), ("2026-01-30", GOLD, 3500)]
    assert [iso(desk.agreement(name).next_bill_date) for name in (weekly, fixed)] == ["2026-02-06", "2026-02-15"]


def test_a_preview_says_what_entering_does_and_changes_nothing(desk: Desk, member: str, agreement: str) -> None:
    assert len(desk.play("2026-01-10")) == 2
    fee = desk.catalogue.item("Freeze fee", kind="fee", price=usd(500)).name
    reason = desk.reason("Travel", freeze_charge_item=fee, recurring_charge_item=fee).name
    asked = {"agreement": agreement, "suspension_reason": reason}
    shown = desk.preview("2026-01-20", "2026-02-20", **asked)
    assert list(shown.effects) == [
        "Stops billing; what is missed is billed on the first day back, once.",
        "Prevents activity use.",
        "Extends availability: the expiry of activities moves when it ends.",
        "Charges 5.00 USD for Freeze fee on its first day.",
        "Charges 5.00 USD for Freeze fee on each bill date of the Key Item.",
    ]
    (affected,) = shown.agreements
    bills = [(iso(one.due_date), one.item, cents(one.amount), one.fee) for one in affected.bills]
    assert bills == [
        ("2026-01-20", "Freeze fee", 500, True),
        ("2026-02-10", "Freeze fee", 500, True),
        ("2026-02-20", GOLD, 3500, False),
        ("2026-02-20", TRAINING, 10000, False),
        ("2026-03-20", GOLD, 3500, False),
        ("2026-03-20", TRAINING, 10000, False),
    ]
    moved = [(one.item, iso(one.expiry_date), iso(one.new_expiry_date), one.locked) for one in shown.activities]
    assert sorted(moved) == [(GOLD, "2026-02-09", "2026-03-11", True), (TRAINING, "2026-02-09", "2026-03-11", True)]
    assert desk.listed() == []
    with pytest.raises(FailedPrecondition, match="business date"):
        desk.preview("2025-12-31", **asked)
    desk.suspend("2026-01-20", "2026-02-20", **asked)
    entered = [one for day in ("2026-01-20", "2026-02-10", "2026-02-20", "2026-03-20") for one in desk.play(day)]
    assert entered == [one[:3] for one in bills]


def test_agr_10_the_history_tells_the_start_a_changed_end_and_the_end(desk: Desk, member: str) -> None:
    club = desk.club
    agreement = desk.sell(member, "2026-01-10", number="286", obligation_end_date=date(2026, 12, 31))
    fee = desk.catalogue.item("Freeze fee", kind="fee", price=usd(500)).name
    reason = desk.reason("Travel", freeze_charge_item=fee, extend_obligation_date=True).name
    desk.token = club.tokens.token("anna", ["club_manager"], [club.unit], work_role="Front Desk", location="Denver")
    asked = {"adjustment_reason": "Goodwill", "adjustment_credit_date": "2026-02-10", "comments": "Knee"}
    made = desk.suspend("2026-01-12", agreement=agreement, suspension_reason=reason, **asked)
    club.run_day("2026-01-12")
    desk.change(made.name, end_date="2026-01-26", received_date="2026-01-11")
    club.run_day("2026-01-26")
    received = "which was received on 1/1/26 and entered by anna part of Front Desk at location Denver."
    status = "Agreement #286 (Gold Monthly) status was changed from"
    begun = f"{status} Active to Freeze effective 1/12/26 with a reason of Travel {received}"
    altered = (
        "Agreement #286 (Gold Monthly) suspension end date was changed from no end date to 1/26/26 "
        "which was received on 1/11/26 and entered by anna part of Front Desk at Denver."
    )
    ended = f"{status} suspension status Freeze to Active effective 1/26/26 with a reason of Travel {received}"
    adjusted = "Adjustment reason: Goodwill, credit takes effect on 2/10/26"
    notes = ["Item suspended: Gold access", "Comments: Knee", adjusted]
    charged = "Freeze charge: Freeze fee, 5.00 USD during the suspension"
    assert desk.changes(agreement) == [
        (begun, [*notes, charged]),
        (altered, [*notes, charged]),
        (ended, [*notes, "obligation date was changed from 12/31/26 to 1/14/27", charged]),
    ]


def test_agr_1_the_agreement_rules_limit_suspensions(desk: Desk, member: str) -> None:
    catalogue = desk.catalogue
    rules = catalogue.create(RULES(display_name="Strict", suspension_future_days=30, suspension_days_max=20))
    bundle = catalogue.bundle(catalogue.item())
    definition = catalogue.definition(PART(bundle=bundle.name, required="Select One"), agreement_rules=rules.name)
    agreement = desk.sell(member, "2026-01-10", definition_id=UUID(definition.name.split("/")[-1]))
    link(desk, definition.name)
    for start, end in (("2026-03-01", "2026-03-05"), ("2026-01-12", "2026-02-12"), ("2026-01-12", None)):
        with pytest.raises(FailedPrecondition) as error:
            desk.suspend(start, end, agreement=agreement)
        assert error.value.reason == "OUTSIDE_AGREEMENT_RULES"
    assert desk.suspend("2026-01-12", "2026-02-01", agreement=agreement).status == "Pending Start"


def link(desk: Desk, definition: str) -> None:
    desk.catalogue.stub("SuspensionReason").SetReasonDefinitions(
        reason_service_pb2.SetReasonDefinitionsRequest(
            reason=desk.reason().name,
            definitions=reason_service_pb2.LinkChoice(names=[definition]),
            request_id=str(uuid4()),
        )
    )


def test_sus_3_the_suspension_of_a_member_is_changed_although_an_agreement_it_covers_is_over(desk: Desk) -> None:
    member = desk.member()
    desk.club.set_clock("2026-01-10")
    kept, gone = (desk.sell(member, "2026-01-10", number=number) for number in ("M1-A", "M1-B"))
    desk.bill("2026-01-10")
    made = desk.suspend("2026-02-01", "2026-03-01", member=member, applied_to="Member")
    desk.club.run_day("2026-02-01")
    Wizard(desk.club).request(gone, "2026-02-01")
    desk.bill("2026-02-10")
    desk.due("2026-02-11")
    assert iso(desk.end(made.name, "2026-02-15").end_date) == "2026-02-15"
    desk.club.run_day("2026-02-15")
    assert [desk.agreement(name).status for name in (kept, gone)] == ["Active", "Cancelled"]


def test_sus_3_exceptions_and_adjustments_name_one_of_the_reasons_that_are_configured(
    desk: Desk, agreement: str
) -> None:
    desk.catalogue.create(REQUEST_REASON(display_name="Surgery", use="exception"), SHARED)
    made = desk.catalogue.create(REQUEST_REASON(display_name="Goodwill", use="adjustment"))
    desk.catalogue.update(desk.catalogue.create(REQUEST_REASON(display_name="Old", use="exception")), inactive=True)
    for field, words in (("exception_reason", "Old"), ("adjustment_reason", "Surgery")):
        with pytest.raises(InvalidArgument, match="is not listed") as refused:
            desk.suspend("2026-01-12", agreement=agreement, **{field: words})
        assert refused.value.metadata["field"] == f"suspension.{field}"
        with pytest.raises(InvalidArgument, match="is not listed"):
            desk.preview("2026-01-12", agreement=agreement, **{field: words})
    asked = {"exception_reason": "Surgery", "adjustment_reason": made.display_name}
    assert desk.suspend("2026-01-12", agreement=agreement, **asked).adjustment_reason == "Goodwill"


def test_a_reason_of_requests_is_for_exceptions_or_adjustments(desk: Desk) -> None:
    with pytest.raises(InvalidArgument, match="exception"):
        desk.catalogue.create(REQUEST_REASON(display_name="Goodwill", use="gift"))
