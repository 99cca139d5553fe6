"""What a suspension costs: a freeze charge, and one on each Key Item bill date (SPEC SUS-7)."""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from agreements_catalogue import SHARED, TAX
from agreements_club import Club, cents, iso, usd
from agreements_frozen import GOLD, Desk
from boss.agreements.v1 import item_service_pb2 as items_pb
from google.type.money_pb2 import Money

from boss_kit.errors import FailedPrecondition

FREEZE, MONTHLY = "Freeze fee", "Freeze dues"


@pytest.fixture
def desk(club: Club) -> Desk:
    return Desk(club)


@pytest.fixture
def agreement(desk: Desk) -> str:
    return desk.sell(desk.member(), "2026-01-10")


@pytest.fixture
def reason(desk: Desk) -> str:
    """Make a reason that stops billing and charges $25 at the start and $5 on each bill date."""
    fees = [
        desk.catalogue.item(name, kind="fee", price=usd(amount), category="Fees").name
        for name, amount in ((FREEZE, 2500), (MONTHLY, 500))
    ]
    return str(desk.reason("Travel", freeze_charge_item=fees[0], recurring_charge_item=fees[1]).name)


def play(desk: Desk, *days: str) -> list[tuple[str, str, int]]:
    return [one for day in days for one in desk.play(day)]


def lines(desk: Desk) -> list[Any]:
    with desk.club.units.engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT item, state, due_date FROM agreement_line ORDER BY item")))


def test_sus_7_the_freeze_charge_comes_on_the_start_and_the_recurring_one_on_each_bill_date_inside(
    desk: Desk, agreement: str, reason: str
) -> None:
    desk.suspend("2026-02-10", "2026-04-24", agreement=agreement, suspension_reason=reason)
    before, inside = ("2026-01-10", "2026-02-09"), ("2026-02-10", "2026-03-10", "2026-04-10")
    assert play(desk, *before, *inside, "2026-04-24", "2026-05-10", "2026-05-24") == [
        ("2026-01-10", GOLD, 3500),
        ("2026-02-10", MONTHLY, 500),
        ("2026-02-10", FREEZE, 2500),
        ("2026-03-10", MONTHLY, 500),
        ("2026-04-10", MONTHLY, 500),
        ("2026-04-24", GOLD, 3500),
        ("2026-05-24", GOLD, 3500),
    ]


def test_sus_7_a_fee_the_unit_cannot_bill_is_refused_when_the_suspension_is_asked_for(
    desk: Desk, agreement: str
) -> None:
    euros = desk.catalogue.item("Fee", kind="fee", price=Money(currency_code="EUR", units=5), parent=SHARED)
    taxed = desk.catalogue.item("Taxed fee", kind="fee", taxes=["Sales tax"])
    before = lines(desk)
    for item, reason in ((euros, "ITEM_CURRENCY"), (taxed, "TAX_MISSING")):
        asked = desk.reason(f"With {item.display_name}", freeze_charge_item=item.name).name
        with pytest.raises(FailedPrecondition) as refused:
            desk.suspend("2026-02-10", agreement=agreement, suspension_reason=asked)
        assert (refused.value.reason, refused.value.metadata["item"]) == (reason, item.display_name)
    assert lines(desk) == before, "nothing is half done"


def test_sus_7_a_units_own_price_of_a_shared_fee_is_charged(desk: Desk, agreement: str) -> None:
    fee = desk.catalogue.item(FREEZE, kind="fee", price=usd(2500), parent=SHARED)
    asked = desk.reason("Travel", freeze_charge_item=fee.name.replace(SHARED, desk.club.unit)).name
    price = items_pb.UnitPrice(item=fee.name.replace(SHARED, desk.club.unit), price=usd(1500))
    desk.catalogue.stub("Item").SetUnitPrice(items_pb.SetUnitPriceRequest(unit_price=price, request_id=str(uuid4())))
    desk.suspend("2026-02-10", agreement=agreement, suspension_reason=asked)
    assert play(desk, "2026-01-10", "2026-02-10") == [("2026-01-10", GOLD, 3500), ("2026-02-10", FREEZE, 1500)]


def test_sus_7_a_start_within_a_cycle_charges_the_fee_then_and_the_dues_on_the_bill_dates(
    desk: Desk, agreement: str, reason: str
) -> None:
    desk.suspend("2026-01-20", agreement=agreement, suspension_reason=reason)
    assert play(desk, "2026-01-10", "2026-01-20", "2026-02-10", "2026-02-20") == [
        ("2026-01-10", GOLD, 3500),
        ("2026-01-20", FREEZE, 2500),
        ("2026-02-10", MONTHLY, 500),
    ]


def test_sus_7_the_keys_of_fees_are_their_own_lines_and_say_their_kind(desk: Desk, agreement: str, reason: str) -> None:
    made = desk.suspend("2026-01-10", agreement=agreement, suspension_reason=reason)
    desk.club.run_day("2026-01-10")
    charges = {charge.item: charge for charge in desk.due("2026-01-10")}
    assert {name: charge.charge_key.split("/")[1:] for name, charge in charges.items()} == {
        FREEZE: ["1", "freeze"],
        MONTHLY: ["1", "freeze_recurring"],
    }
    assert charges[FREEZE].item_category == "Fees"
    assert iso(charges[FREEZE].period_end_date) == "2026-01-10"
    assert iso(charges[MONTHLY].period_end_date) == "2026-02-09"
    assert cents(made.effects.freeze_charge.amount) == 2500


def test_sus_7_a_fee_has_its_tax(desk: Desk, agreement: str) -> None:
    desk.catalogue.create(TAX(display_name="Sales tax", percent="8.25"))
    fee = desk.catalogue.item(FREEZE, kind="fee", price=usd(2500), taxes=["Sales tax"]).name
    made = desk.suspend(
        "2026-01-05",
        agreement=agreement,
        suspension_reason=desk.reason("Travel", freeze_charge_item=fee).name,
    )
    (charge,) = desk.due("2026-01-05")
    # 25.00 x 8.25 %.
    assert (cents(charge.amount), cents(charge.tax)) == (2500, 206)
    assert made.effects.freeze_charge.tax_percent == "8.25"


def test_sus_7_rescinded_before_the_start_there_is_no_fee(desk: Desk, agreement: str, reason: str) -> None:
    made = desk.suspend("2026-01-08", "2026-03-24", agreement=agreement, suspension_reason=reason)
    desk.rescind(made.name)
    assert play(desk, "2026-01-08", "2026-01-10", "2026-02-10") == [
        ("2026-01-10", GOLD, 3500),
        ("2026-02-10", GOLD, 3500),
    ]
    fees = [(state, due) for item, state, due in lines(desk) if item in (FREEZE, MONTHLY)]
    assert fees == [("cancelled", None), ("cancelled", None)]


def test_sus_7_other_days_move_the_fees_and_what_was_billed_stays(desk: Desk, agreement: str, reason: str) -> None:
    made = desk.suspend("2026-01-12", "2026-02-05", agreement=agreement, suspension_reason=reason)
    desk.change(made.name, start_date="2026-01-15", end_date="2026-03-05")
    assert play(desk, "2026-01-10", "2026-01-12", "2026-01-15", "2026-02-10") == [
        ("2026-01-10", GOLD, 3500),
        ("2026-01-15", FREEZE, 2500),
        ("2026-02-10", MONTHLY, 500),
    ]
    desk.change(made.name, end_date="2026-04-15")
    assert play(desk, "2026-03-10") == [("2026-03-10", MONTHLY, 500)]
    desk.end(made.name, "2026-03-20")
    assert play(desk, "2026-03-20", "2026-04-10", "2026-04-20") == [
        ("2026-03-20", GOLD, 3500),
        ("2026-04-20", GOLD, 3500),
    ]


def test_sus_7_every_agreement_of_a_member_has_its_own_fees(desk: Desk, agreement: str, reason: str) -> None:
    desk.sell(desk.club.member_name(), "2026-01-05", schedule="weekly")
    desk.suspend(
        "2026-01-11", "2026-01-21", member=desk.club.member_name(), applied_to="Member", suspension_reason=reason
    )
    fees = [one for one in play(desk, *(f"2026-01-{day:02}" for day in range(5, 21))) if one[1] != GOLD]
    assert fees == [
        ("2026-01-11", FREEZE, 2500),
        ("2026-01-11", FREEZE, 2500),
        ("2026-01-12", MONTHLY, 500),
        ("2026-01-19", MONTHLY, 500),
    ]


def test_sus_7_an_agreement_that_is_over_owes_no_further_fees(desk: Desk, reason: str) -> None:
    agreement = desk.sell(desk.member("M2"), "2025-02-10", external_id="M2", months=12)
    desk.club.set_clock("2026-01-12")
    play(desk, *(f"2025-{month:02}-10" for month in range(2, 13)), "2026-01-10")
    desk.club.set_clock("2026-01-12")
    desk.suspend("2026-01-15", agreement=agreement, suspension_reason=reason)
    days = ("2026-01-15", "2026-02-10", "2026-03-10", "2026-04-10")
    assert play(desk, *days) == [("2026-01-15", FREEZE, 2500)]
    assert desk.agreement(agreement).status == "Expired"


def test_design_4_a_fee_that_is_being_billed_cannot_be_changed(desk: Desk, agreement: str, reason: str) -> None:
    made = desk.suspend("2026-01-08", "2026-03-20", agreement=agreement, suspension_reason=reason)
    desk.play("2026-01-08")
    desk.club.run_day("2026-01-09")
    assert [charge.item for charge in desk.due("2026-01-10")] == [MONTHLY]
    with pytest.raises(FailedPrecondition) as error:
        desk.end(made.name, "2026-01-10")
    assert error.value.reason == "BILLING_IN_PROGRESS"
    desk.bill("2026-01-10")
    desk.club.set_clock("2026-01-10")
    assert iso(desk.end(made.name, "2026-01-10").end_date) == "2026-01-10"
