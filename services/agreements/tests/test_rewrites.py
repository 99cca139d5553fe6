"""Rewrites, renewals, upgrades and changes of the bill date (SPEC AGR-9)."""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from agreements_billing import bill, close, item, sell
from agreements_catalogue import CANCEL_REASON, LOCATION, PART
from agreements_club import Club, cents, day, iso, usd
from agreements_rewrites import Desk, amounts, link, open_desk
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import cancellation_service_pb2 as cancellations_pb
from boss.agreements.v1 import history_service_pb2, history_service_pb2_grpc
from boss.agreements.v1 import rewrite_service_pb2 as pb
from boss.billing.v1 import invoice_service_pb2 as invoice_pb

from boss_agreements.agreements.tables import agreement as agreement_table
from boss_kit.errors import FailedPrecondition, InvalidArgument


@pytest.fixture
def desk(club: Club) -> Desk:
    return open_desk(club)


def _suspend(desk: Desk, agreement: str, start: str, end: str) -> None:
    suspension = agreements_pb.Suspension(agreement=agreement, type="Freeze", start_date=day(start), end_date=day(end))
    desk.club.agreements.CreateSuspension(
        agreements_pb.CreateSuspensionRequest(parent=desk.club.unit, suspension=suspension, request_id=str(uuid4()))
    )


def test_agr_9_a_rewrite_has_a_new_number_keeps_the_start_date_and_links_both_ways(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    bill(desk.club, "2026-06-10")
    made = desk.rewrite(gold)
    old, new = desk.get(gold), desk.get(made.after.name)
    assert (new.number, iso(new.start_date), new.status) == ("M1-2", "2026-06-01", "Active")
    assert (new.rewritten_from, old.rewritten_to, old.status) == (gold, new.name, "Cancelled")
    assert (new.member, new.account) == (old.member, old.account)


def test_agr_9_what_is_kept_goes_on_where_it_was(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    bill(desk.club, "2026-06-10")
    desk.rewrite(gold)
    assert amounts(desk.club, "2026-06-30") == []
    assert amounts(desk.club, "2026-07-01") == [("2026-07-01", 3500)]


def test_agr_9_what_is_due_already_is_billed_by_the_new_agreement(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-05-01"), start="2026-05-01")
    desk.rewrite(gold)
    assert amounts(desk.club, "2026-06-10") == [("2026-05-01", 3500), ("2026-06-01", 3500)]


def test_agr_9_another_bill_date_prorates_the_days_until_it(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    bill(desk.club, "2026-06-10")
    preview = desk.preview(gold, schedule="monthly_on_15")
    assert preview.after.number == ""
    desk.rewrite(gold, schedule="monthly_on_15")
    assert amounts(desk.club, "2026-07-01") == [("2026-07-01", 1400)], "14 of the 30 days from 6/15 to 7/15"
    assert amounts(desk.club, "2026-07-15") == [("2026-07-15", 3000)]
    assert amounts(desk.club, "2026-08-15") == [("2026-08-15", 3000)]


@pytest.mark.parametrize(
    ("end", "billed"),
    [
        ("2026-07-20", [("2026-07-20", 2516)]),
        ("2026-07-10", [("2026-07-10", 500), ("2026-07-15", 3000)]),
        ("2026-07-15", [("2026-07-15", 3000)]),
    ],
)
def test_agr_9_sus_4_the_days_until_another_bill_date_are_not_charged_while_they_are_suspended(
    desk: Desk, end: str, billed: list[tuple[str, int]]
) -> None:
    gold = sell(desk.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    bill(desk.club, "2026-06-10")
    made = desk.rewrite(gold, schedule="monthly_on_15")
    _suspend(desk, made.after.name, "2026-06-20", end)
    desk.club.run_day("2026-06-20")
    assert amounts(desk.club, "2026-07-01") == []
    desk.club.run_day(end)
    assert sorted(amounts(desk.club, "2026-07-20")) == billed


def test_agr_9_sus_4_days_missed_by_a_suspension_are_not_billed_by_the_next_rewrite(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    bill(desk.club, "2026-06-10")
    made = desk.rewrite(gold, schedule="monthly_on_15")
    _suspend(desk, made.after.name, "2026-06-20", "2026-07-16")
    desk.club.run_day("2026-06-20")
    desk.club.run_day("2026-07-16")
    again = desk.rewrite(made.after.name)
    assert [line.billing for line in again.after.lines] == ["perpetual", "once"]
    assert [due for due, _ in amounts(desk.club, "2026-08-14")] == ["2026-07-16"]


def test_agr_9_a_rewrite_leaves_a_return_that_is_due_alone(desk: Desk) -> None:
    towels = item(2, 36500, "2026-06-01", months=12, billing="paid_in_full", is_required=False)
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), towels, start="2026-06-01")
    bill(desk.club, "2026-06-10")
    reason = desk.catalogue.create(CANCEL_REASON(display_name="Unused"))
    asked = cancellations_pb.Cancellation(
        agreement=gold,
        effective_date=day("2026-06-10"),
        reason_id=reason.name.rpartition("/")[2],
        items=[cancellations_pb.CancelledItem(line_id=str(towels.id))],
    )
    made = desk.cancellations.RequestCancellation(
        cancellations_pb.RequestCancellationRequest(parent=desk.club.unit, cancellation=asked, request_id=str(uuid4()))
    )
    assert made.return_state == "due"
    desk.rewrite(gold)
    found = desk.cancellations.GetCancellation(cancellations_pb.GetCancellationRequest(name=made.name))
    assert (found.status, found.return_state) == ("Final Invoiced", "due")


def test_agr_9_a_schedule_of_another_length_needs_other_items(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    refused = desk.refused(gold, schedule="weekly")
    assert isinstance(refused, InvalidArgument)
    assert refused.metadata["field"] == "rewrite.schedule"


def test_agr_9_a_reason_that_keeps_the_billing_schedule_refuses_another(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    keeps = desk.catalogue.create(CANCEL_REASON(display_name="Keeps", rewrite=True, keep_same_billing_schedule=True))
    assert desk.refused(gold, reason=keeps, schedule="monthly_on_15").reason == "SCHEDULE_KEPT"
    assert desk.rewrite(gold, reason=keeps).after.schedule == "monthly_on_1"


def test_agr_9_no_instalment_is_lost_and_none_is_billed_twice(desk: Desk) -> None:
    year = sell(desk.club, item(1, 3000, "2026-05-01", months=4), start="2026-05-01", term="fixed_4")
    bill(desk.club, "2026-06-10")
    made = desk.rewrite(year, schedule="monthly_on_15")
    assert made.after.lines[0].remaining_cycles == 2
    assert amounts(desk.club, "2026-12-31") == [("2026-07-15", 3000), ("2026-08-15", 3000)]


@pytest.mark.parametrize("kind", ["Freeze", "Hold"])
def test_agr_9_a_suspended_agreement_is_not_rewritten_nor_one_with_a_suspension_to_come(desk: Desk, kind: str) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")

    def suspend(start: str) -> Any:
        suspension = agreements_pb.Suspension(agreement=gold, type=kind, start_date=day(start))
        request = agreements_pb.CreateSuspensionRequest(
            parent=desk.club.unit, suspension=suspension, request_id=str(uuid4())
        )
        return desk.club.agreements.CreateSuspension(request)

    suspend("2026-06-20")
    assert desk.refused(gold).reason == "SUSPENSION_PENDING"
    desk.club.run_day("2026-06-20")
    assert desk.refused(gold).reason == "NOT_ACTIVE"
    assert desk.get(gold).status == kind, "nothing is half done"


def test_agr_9_a_pending_cancellation_is_rescinded_first_and_one_past_its_final_invoice_is_replaced(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3000, "2026-06-01"), start="2026-06-01")
    made = desk.cancel(gold, "2026-06-20")
    assert desk.refused(gold).reason == "CANCELLATION_PENDING"
    assert amounts(desk.club, "2026-06-11") == [("2026-06-01", 2000)], "the final bill to the 20th"
    done = desk.rewrite(gold)
    assert amounts(desk.club, "2026-06-21") == [("2026-06-21", 1000)], "the 10 days that the final bill left out"
    assert amounts(desk.club, "2026-07-01") == [("2026-07-01", 3000)]
    found = desk.cancellations.GetCancellation(cancellations_pb.GetCancellationRequest(name=made.name))
    assert found.status == "Rescinded"
    assert desk.get(done.after.name).status == "Active"


@pytest.mark.parametrize("schedule", ["", "monthly_on_5"])
def test_agr_9_a_replaced_cancellation_bills_again_no_days_that_were_paid_after_its_last_one(
    desk: Desk, schedule: str
) -> None:
    """Only a prorated final bill leaves days out: a cycle billed before the request, and an instalment, are paid."""
    gold = sell(
        desk.club,
        item(1, 3000, "2026-06-01"),
        item(2, 6000, "2026-06-01", months=12),
        item(3, 900, "2026-06-12", schedule="monthly_on_12", item_kind="rental"),
        start="2026-06-01",
    )
    assert sorted(amounts(desk.club, "2026-06-10")) == [("2026-06-01", 3000), ("2026-06-01", 6000)]
    account = f"{desk.club.unit}/accounts/{desk.club.account_id()}"
    desk.cancel(gold, "2026-06-20", funding_source=f"{account}/fundingSources/{uuid4()}")
    assert amounts(desk.club, "2026-06-12") == [("2026-06-12", 270)], "9 of 30 days of the locker"
    desk.rewrite(gold, schedule=schedule)
    found = sorted(amounts(desk.club, "2026-07-12"))
    if schedule:
        rest_of_the_locker, days_to_the_5th = 420, 400
        assert found == [
            ("2026-06-21", rest_of_the_locker),
            ("2026-07-01", days_to_the_5th),
            ("2026-07-05", 900),
            ("2026-07-05", 3000),
            ("2026-07-05", 6000),
        ]
    else:
        assert found == [("2026-06-21", 630), ("2026-07-01", 3000), ("2026-07-01", 6000), ("2026-07-12", 900)]


def test_agr_9_expired_and_cancelled_agreements_are_not_rewritten(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-07-01"), start="2026-07-01")
    desk.cancel(gold, "2026-06-10")
    assert desk.refused(gold).reason == "NOT_ACTIVE"


@pytest.mark.parametrize(
    "values",
    [
        {"group_id": str(uuid4())},
        {"classification": "Corporate"},
        {"role": "Add-on"},
        {"member": "{unit}/members/" + str(uuid4())},
    ],
)
def test_agr_9_owner_group_classification_and_role_cannot_change(desk: Desk, values: dict[str, str]) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    asked = {name: value.format(unit=desk.club.unit) for name, value in values.items()}
    assert desk.refused(gold, **asked).reason == "FIXED_BY_REWRITE"


def test_agr_9_prior_to_first_billing_is_for_perpetual_agreements_before_their_first_invoice(desk: Desk) -> None:
    prior = desk.catalogue.create(CANCEL_REASON(display_name="Prior", rewrite=True, prior_to_first_billing=True))
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    year = sell(desk.club, item(1, 3000, "2026-06-01", months=12, owner="year"), start="2026-06-01", owner="year")
    bill(desk.club, "2026-06-10")
    assert desk.refused(gold, reason=prior).reason == "PRIOR_TO_FIRST_BILLING"
    assert desk.rewrite(year, reason=prior).after.status == "Active", "instalments are rewritten without exception"
    later = sell(desk.club, item(1, 3500, "2026-06-20", owner="later"), start="2026-06-10", owner="later")
    assert desk.rewrite(later, reason=prior).after.status == "Active"


def test_agr_9_prior_to_first_billing_is_over_once_money_was_taken_at_the_point_of_sale(desk: Desk) -> None:
    prior = desk.catalogue.create(CANCEL_REASON(display_name="Prior", rewrite=True, prior_to_first_billing=True))
    later = sell(desk.club, item(1, 3500, "2026-06-20"), start="2026-06-20")
    account = f"{desk.club.unit}/accounts/{desk.club.account_id()}"
    kept = desk.club.billing.invoices
    kept["guest"] = invoice_pb.CreateInvoiceRequest(parent=account, request_id="guest")
    between = desk.rewrite(later, reason=prior).after
    assert between.status == "Active", "an invoice of something else doesn't count"
    kept["locker"] = invoice_pb.CreateInvoiceRequest(parent=account, agreement=later, request_id="locker")
    refused = desk.refused(between.name, reason=prior)
    assert refused.reason == "PRIOR_TO_FIRST_BILLING", "what was paid under the number before counts"
    assert desk.rewrite(between.name).after.status == "Active", "another reason doesn't ask"


def test_agr_9_a_charge_that_is_being_billed_is_waited_for(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    close(desk.club, "2026-06-10")
    with pytest.raises(FailedPrecondition) as refused:
        desk.rewrite(gold)
    assert refused.value.reason == "BILLING_IN_PROGRESS"


def test_agr_9_an_item_that_is_taken_out_gives_back_what_is_not_used(desk: Desk) -> None:
    towels = item(2, 36500, "2026-06-01", months=12, billing="paid_in_full", is_required=False)
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), towels, start="2026-06-01")
    bill(desk.club, "2026-06-10")
    made = desk.rewrite(gold, removed_line_ids=[str(towels.id)])
    assert cents(made.credit) == 36500 - 900, "9 of 365 days are used"
    assert [line.item for line in made.after.lines] == ["Item 1"]
    request = cancellations_pb.ListCancellationsRequest(parent=desk.club.unit, agreement=gold)
    (returned,) = desk.cancellations.ListCancellations(request).cancellations
    assert (returned.return_state, cents(returned.amount_due_to_customer)) == ("requested", 35600)


def test_agr_9_an_upgrade_bills_the_new_items_from_where_the_old_ones_were_paid_to(desk: Desk) -> None:
    club = desk.club
    better = desk.catalogue.bundle(
        desk.catalogue.item("Platinum access", price=usd(6000)), "Platinum", billing="perpetual"
    )
    platinum = desk.catalogue.definition(
        PART(bundle=better.name, required="Select One"), display_name="Platinum Monthly"
    )
    desk.catalogue.apply(platinum)
    gold = sell(club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    bill(club, "2026-06-10")
    made = desk.rewrite(
        gold,
        definition_id=platinum.name.rpartition("/")[2],
        added=[pb.AddedPart(part_id=better.name.rpartition("/")[2])],
    )
    assert (made.after.display_name, [line.item for line in made.after.lines]) == (
        "Platinum Monthly",
        ["Platinum access"],
    )
    assert amounts(club, "2026-06-30") == []
    assert amounts(club, "2026-07-01") == [("2026-07-01", 6000)]


def test_agr_9_an_optional_item_that_comes_in_is_no_key_item_and_ends_with_the_agreement(desk: Desk) -> None:
    club = desk.club
    bundle = desk.catalogue.bundle(desk.catalogue.item("Gym access"))
    locker = desk.catalogue.item("Locker", kind="rental", price=usd(1000))
    definition = desk.catalogue.definition(
        PART(bundle=bundle.name, required="Select One"), PART(item=locker.name, billing="perpetual")
    )
    desk.catalogue.apply(definition)
    link(desk, definition, desk.reason)
    gold = sell(
        club,
        item(1, 3500, "2026-05-01", months=3),
        start="2026-05-01",
        term="fixed_3",
        definition_id=definition.name.rpartition("/")[2],
    )
    bill(club, "2026-06-10")
    made = desk.rewrite(gold, added=[pb.AddedPart(part_id=locker.name.rpartition("/")[2])])
    assert [(line.item, line.is_key_item) for line in made.after.lines] == [("Item 1", True), ("Locker", False)]
    assert amounts(club, "2026-06-10") == [("2026-06-10", 1000)]
    assert sorted(amounts(club, "2026-07-10")) == [("2026-07-01", 3500), ("2026-07-10", 1000)]
    club.run_day("2026-08-01")
    assert desk.get(made.after.name).status == "Expired"
    assert amounts(club, "2026-08-10") == []


def test_agr_9_a_change_of_location_is_a_rewrite_to_an_active_location_of_the_unit(desk: Desk) -> None:
    north, closed = (desk.catalogue.create(LOCATION(display_name=name)) for name in ("North", "Closed"))
    desk.catalogue.update(closed, inactive=True)
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    for name, words in (
        (closed.name, "isn't active"),
        (f"{desk.club.unit}/locations/{uuid4()}", "is not a location here"),
        (f"{desk.club.unit}/workstations/{uuid4()}", "location"),
    ):
        refused = desk.refused(gold, location=name)
        assert refused.code == "INVALID_ARGUMENT"
        assert "rewrite.location" in str(refused)
        assert words in str(refused)
    made = desk.rewrite(gold, location=north.name).after
    assert (made.location, desk.get(made.name).location, desk.get(gold).location) == (north.name, north.name, "")
    assert [line.item for line in made.lines] == ["Item 1"], "nothing else changes"
    stub = desk.club.server.stub(history_service_pb2_grpc.HistoryServiceStub)
    (change,) = stub.ListChanges(history_service_pb2.ListChangesRequest(parent=made.name)).changes
    assert list(change.notable_changes) == ["Location: North"]
    again = desk.rewrite(made.name).after
    assert again.location == north.name, "what isn't named stays"


def test_agr_9_the_add_ons_of_a_rewritten_primary_are_those_of_the_new_agreement(desk: Desk) -> None:
    primary = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    add_on = sell(
        desk.club,
        item(1, 1500, "2026-06-01", owner="add-on"),
        start="2026-06-01",
        owner="add-on",
        role="Add-on",
        primary_agreement_id=primary.rpartition("/")[2],
    )
    made = desk.rewrite(primary)
    assert desk.get(add_on).primary_agreement == made.after.name


def test_agr_10_a_rewrite_is_in_the_change_history_of_both(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    made = desk.rewrite(gold)
    history = desk.club.server.stub(history_service_pb2_grpc.HistoryServiceStub)
    for name in (gold, made.after.name):
        (change,) = history.ListChanges(history_service_pb2.ListChangesRequest(parent=name)).changes
        assert change.summary.startswith(
            "Agreement #sold (Gold) was rewritten as #M1-2 (Gold) effective 6/10/26 with a reason of Changes by "
        )


def test_agr_2_a_reason_that_is_not_for_rewrites_is_refused_and_changes_nothing(desk: Desk) -> None:
    gold = sell(desk.club, item(1, 3500, "2026-06-01"), start="2026-06-01")
    other = desk.catalogue.create(CANCEL_REASON(display_name="Moving"))
    assert desk.refused(gold, reason=other).reason == "REASON_NOT_OFFERED"
    with desk.club.units.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(agreement_table)) == 2


def test_sus_4_a_cycle_that_a_suspension_missed_is_billed_by_the_new_agreement_from_the_first_day_back(
    desk: Desk,
) -> None:
    gold = sell(desk.club, item(1, 3100, "2026-06-01"), start="2026-06-01")
    bill(desk.club, "2026-06-10")
    suspension = agreements_pb.Suspension(
        agreement=gold, type="Freeze", start_date=day("2026-06-20"), end_date=day("2026-07-11")
    )
    desk.club.agreements.CreateSuspension(
        agreements_pb.CreateSuspensionRequest(parent=desk.club.unit, suspension=suspension, request_id=str(uuid4()))
    )
    desk.club.run_day("2026-06-20")
    desk.club.run_day("2026-07-11")
    desk.rewrite(gold)
    assert amounts(desk.club, "2026-07-12") == [("2026-07-11", 2100)], "21 of the 31 days of July"
    assert amounts(desk.club, "2026-08-01") == [("2026-08-01", 3100)]
