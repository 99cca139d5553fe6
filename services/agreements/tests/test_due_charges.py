"""The hand-over to billing: closed days, pages, shards, skips and answers (DESIGN 4)."""

from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from agreements_billing import agreement, answer, bill, close, item, listed, pages, sell, skipped
from agreements_club import ENTERPRISE, Club, add_unit, cents, day, fact_event, iso, record
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import due_charge_service_pb2 as pb
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.due_charges.store import charge_answer
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.ids import derived_id


def suspend(club: Club, start: str, end: str | None = None) -> Any:
    suspension = agreements_pb.Suspension(
        agreement=club.agreement_name(), type="Freeze", start_date=day(start), end_date=day(end) if end else None
    )
    request = agreements_pb.CreateSuspensionRequest(parent=club.unit, suspension=suspension, request_id=str(uuid4()))
    return club.agreements.CreateSuspension(request)


def test_design_4_a_charge_says_all_that_an_invoice_needs(club: Club) -> None:
    club.import_records(record(1))
    assert close(club, "2026-01-10") == 1
    (charge,) = listed(club, "2026-01-10")
    line_id = derived_id(derived_id(UUID(club.unit.split("/")[1]), "agreement", "M1"), "line", "1")
    assert charge.charge_key == f"{line_id}/1/recurring"
    assert (charge.agreement_number, charge.account_id) == ("M1", str(club.account_id()))
    assert (iso(charge.due_date), iso(charge.period_start_date), iso(charge.period_end_date)) == (
        "2026-01-10",
        "2026-01-10",
        "2026-02-09",
    )
    assert (cents(charge.amount), cents(charge.tax), charge.amount.currency_code) == (3500, 0, "USD")
    assert charge.description == "Gold Monthly, 2026-01-10 to 2026-02-09"
    assert (charge.item_category, charge.item) == ("Membership", "Gold Monthly")


def test_design_4_a_date_that_is_not_closed_is_not_listed(club: Club) -> None:
    close(club, "2026-01-10")
    with pytest.raises(FailedPrecondition, match="CloseBillDate first"):
        pages(club, "2026-01-11")


def test_closing_is_repeatable_and_needs_the_unit(club: Club) -> None:
    club.import_records(record(1))
    assert close(club, "2026-01-10") == close(club, "2026-01-10") == 1
    request = pb.CloseBillDateRequest(
        business_unit=club.unit[:-1] + "0", bill_date=day("2026-01-10"), request_id=str(uuid4())
    )
    with pytest.raises(NotFound):
        club.due_charges.CloseBillDate(request)


def test_design_4_the_day_is_closed_in_all_units_that_are_asked_for_or_in_none(club: Club) -> None:
    club.import_records(record(1))
    other = add_unit(club, "Another Club", "America/Denver").name

    def closing(*units: str) -> pb.BatchCloseBillDatesRequest:
        return pb.BatchCloseBillDatesRequest(
            parent=ENTERPRISE, business_units=units, bill_date=day("2026-01-10"), request_id=str(uuid4())
        )

    with pytest.raises(NotFound):
        club.due_charges.BatchCloseBillDates(closing(club.unit, other[:-1] + ("0" if other[-1] != "0" else "1")))
    with pytest.raises(FailedPrecondition, match="CloseBillDate first"):
        listed(club, "2026-01-10")
    for _ in range(2):
        closed = club.due_charges.BatchCloseBillDates(closing(other, club.unit)).closed
        assert [one.due_agreements for one in closed] == [0, 1]
    assert len(listed(club, "2026-01-10")) == 1
    strange = club.unit.replace(ENTERPRISE, f"enterprises/{uuid4()}")
    with pytest.raises(InvalidArgument, match="several enterprises"):
        club.due_charges.BatchCloseBillDates(closing(strange))


def test_design_4_only_an_answer_advances_the_cycle_and_a_replay_changes_nothing(club: Club) -> None:
    club.import_records(record(1))
    close(club, "2026-01-10")
    (charge,) = listed(club, "2026-01-10")
    assert listed(club, "2026-01-10") == [charge], "a shard that starts again gets the same"
    answer(club, "2026-01-10", charge)
    assert iso(agreement(club).next_bill_date) == "2026-02-10"
    answer(club, "2026-01-10", charge)
    answer(club, "2026-01-10", charge, refused="too late")
    assert iso(agreement(club).next_bill_date) == "2026-02-10"
    assert listed(club, "2026-01-10") == []
    assert club.parked() == []
    with club.units.engine.connect() as connection:
        assert connection.execute(sa.select(charge_answer.c.outcome, charge_answer.c.invoice)).all() == [
            ("billed", "invoice")
        ]


def test_a_refused_charge_advances_the_cycle_and_tells_the_story(club: Club) -> None:
    from boss.platform.v1 import timeline_service_pb2

    club.import_records(record(1))
    close(club, "2026-01-10")
    answer(club, "2026-01-10", *listed(club, "2026-01-10"), refused="the account is closed")
    assert iso(agreement(club).next_bill_date) == "2026-02-10"
    request = timeline_service_pb2.ListTimelineEntriesRequest(parent=f"{club.unit}/accounts/{club.account_id()}")
    last = club.timeline.ListTimelineEntries(request).timeline_entries[-1]
    assert last.text == "35.00 USD for Gold Monthly, due 2026-01-10, was not billed: the account is closed."


def test_design_4_several_missed_cycles_of_an_agreement_are_all_listed_oldest_first(club: Club) -> None:
    club.import_records(record(1))
    close(club, "2026-03-31")
    charges = listed(club, "2026-03-31")
    assert [iso(charge.due_date) for charge in charges] == ["2026-01-10", "2026-02-10", "2026-03-10"]
    answer(club, "2026-03-31", *charges)
    assert iso(agreement(club).next_bill_date) == "2026-04-10"


def test_answers_of_one_page_advance_the_lines_of_many_accounts_and_of_one_in_order(club: Club) -> None:
    from boss.events.v1 import event_pb2

    from boss_agreements.subscriptions import SUBSCRIPTIONS
    from boss_kit.events.consumer import Consumer

    club.import_records(record(1), record(2, external_id="M2"))
    close(club, "2026-02-10")
    events = [
        fact_event(
            "billing",
            billing_events_pb2.ChargeBilled(charge_key=charge.charge_key),
            UUID(charge.account_id),
            "2026-02-10",
        )
        for charge in listed(club, "2026-02-10")
    ]
    assert len(events) == 4
    Consumer(club.units, SUBSCRIPTIONS).process(
        event_pb2.EventBatch(events=events, producer="billing").SerializeToString()
    )
    assert {iso(agreement(club, one).next_bill_date) for one in ("M1", "M2")} == {"2026-03-10"}


def test_an_answer_out_of_order_or_about_nothing_is_parked_and_changes_nothing(club: Club) -> None:
    club.import_records(record(1))
    close(club, "2026-02-10")
    _, second = listed(club, "2026-02-10")
    answer(club, "2026-02-10", second)
    stray = pb.DueCharge(
        charge_key=f"{UUID(int=1)}/1/recurring", account_id=str(UUID(int=9)), agreement_id=str(UUID(int=3))
    )
    answer(club, "2026-02-10", stray)
    assert len(club.parked()) == 2
    assert iso(agreement(club).next_bill_date) == "2026-01-10"


def test_design_4_pages_are_ordered_by_account_never_split_one_and_go_on_by_their_tokens(club: Club) -> None:
    club.import_records(*[record(n, external_id=f"M{n}", start_date="2025-01-01") for n in range(1, 8)])
    shared = agreements_pb.Agreement(
        member=club.member_name("M1"),
        display_name="Locker",
        agreement_type="Service",
        price=listed_price(1200),
        schedule="monthly_on_1",
        term="perpetual",
        start_date=day("2026-01-01"),
    )
    for _ in range(3):
        club.agreements.CreateAgreement(
            agreements_pb.CreateAgreementRequest(parent=club.unit, agreement=shared, request_id=str(uuid4()))
        )
    assert close(club, "2026-01-01") == 10
    found = pages(club, "2026-01-01", page_size=2)
    assert len(found) > 2
    order = [(UUID(charge.account_id), UUID(charge.agreement_id)) for page in found for charge in page.charges]
    assert order == sorted(order)
    assert len(set(order)) == 10
    accounts = [{charge.account_id for charge in page.charges} for page in found]
    assert all(not earlier & later for earlier, later in pairwise(accounts))
    rest = pages(club, "2026-01-01", page_size=2, page_token=found[0].next_page_token)
    assert rest == found[1:]
    with pytest.raises(InvalidArgument, match="other filters"):
        pages(club, "2026-01-01", shard_count=2, page_token=found[0].next_page_token)


def listed_price(amount: int) -> Any:
    from agreements_club import usd

    return usd(amount)


def test_design_4_each_shard_has_an_equal_part_of_the_ids_there_can_be(club: Club) -> None:
    club.import_records(*[record(n, external_id=f"M{n}", start_date="2025-01-01") for n in range(1, 21)])
    close(club, "2026-01-01")
    shards = [listed(club, "2026-01-01", shard=number, shard_count=3) for number in range(3)]
    for number, charges in enumerate(shards):
        assert {UUID(charge.account_id).int * 3 >> 128 for charge in charges} == {number}
    assert sum(map(len, shards)) == 20


@pytest.mark.parametrize("values", [{"shard": 1}, {"shard": 3, "shard_count": 3}, {"shard_count": 257}])
def test_a_shard_that_is_none_is_refused(club: Club, values: dict[str, int]) -> None:
    close(club, "2026-01-01")
    with pytest.raises(InvalidArgument, match="shard"):
        pages(club, "2026-01-01", **values)


def test_bil_1_each_skipped_agreement_has_its_reason_once(club: Club) -> None:
    club.import_records(
        record(1, freeze_from="2026-01-05"),
        record(2, external_id="M2", start_date="2025-01-12", term="fixed_12"),
        record(3, external_id="M3", start_date="2024-01-12", term="fixed_12"),
    )
    found = {}
    for number in range(9, 15):
        text = f"2026-01-{number:02}"
        close(club, text)
        found[text] = skipped(club, text)
    assert {text: reasons for text, reasons in found.items() if reasons} == {
        "2026-01-10": [("M1", "SUSPENDED")],
        "2026-01-12": [("M2", "TERM_ENDED")],
    }


def test_design_4_lines_sold_alike_keep_their_own_cycles_and_suspensions(club: Club) -> None:
    club.import_records(record(1), record(2, external_id="M2", start_date="2025-11-10"), record(3, external_id="M3"))
    suspend(club, "2026-02-05", "2026-02-20")
    for number in ("M1", "M3"):
        close(club, "2026-01-10")
        answer(club, "2026-01-10", *[one for one in listed(club, "2026-01-10") if one.agreement_number == number])
    close(club, "2026-02-21")
    found = [
        (one.agreement_number, one.charge_key.split("/")[1], iso(one.due_date)) for one in listed(club, "2026-02-21")
    ]
    assert sorted(found) == [
        ("M1", "2", "2026-02-20"),
        ("M2", "1", "2026-01-10"),
        ("M2", "2", "2026-02-10"),
        ("M3", "2", "2026-02-10"),
    ]
    answer(club, "2026-02-21", *listed(club, "2026-02-21"))
    nexts = {one: iso(agreement(club, one).next_bill_date) for one in ("M1", "M2", "M3")}
    assert nexts == {"M1": "2026-03-20", "M2": "2026-03-10", "M3": "2026-03-10"}


def test_sus_6_scenario_1_through_the_whole_service(club: Club) -> None:
    club.import_records(record(1))
    suspend(club, "2026-01-10", "2026-01-24")
    billed = {text: bill(club, text) for text in ("2026-01-10", "2026-01-23", "2026-01-24", "2026-02-10", "2026-02-24")}
    assert {text: dates for text, dates in billed.items() if dates} == {
        "2026-01-24": ["2026-01-24"],
        "2026-02-24": ["2026-02-24"],
    }


def test_design_4_a_freeze_over_a_closed_charge_waits_for_the_answer(club: Club) -> None:
    club.import_records(record(1))
    club.set_clock("2026-01-10")
    close(club, "2026-01-10")
    with pytest.raises(FailedPrecondition) as refused:
        suspend(club, "2026-01-10", "2026-01-24")
    assert refused.value.reason == "BILLING_IN_PROGRESS"
    answer(club, "2026-01-10", *listed(club, "2026-01-10"))
    assert suspend(club, "2026-01-10", "2026-01-24").status == "Active-Freeze"
    assert iso(agreement(club).next_bill_date) == "2026-02-10"


def test_design_4_a_freeze_of_later_days_is_fine_while_billing_works(club: Club) -> None:
    club.import_records(record(1))
    close(club, "2026-01-10")
    assert suspend(club, "2026-01-11", "2026-02-20").status == "Pending Start"
    assert len(listed(club, "2026-01-10")) == 1
    assert bill(club, "2026-01-10") == ["2026-01-10"]
    assert iso(agreement(club).next_bill_date) == "2026-02-20"


def test_a_whole_year_bills_each_cycle_once_however_often_the_run_is_repeated(club: Club) -> None:
    club.import_records(record(1, start_date="2025-01-31", schedule="monthly_anniversary"))
    billed: list[str] = []
    for month in range(1, 13):
        for number in (15, 28):
            text = f"2026-{month:02}-{number:02}"
            billed += bill(club, text)
            billed += bill(club, text)
    assert billed == sorted(set(billed))
    assert len(billed) == 11


def test_design_4_every_line_of_an_agreement_is_charged_with_its_tax(club: Club) -> None:
    club.import_records(record(1, start_date="2027-05-31"))
    key = item(1, 3500, "2026-06-01", tax_rate=Decimal("8.25"), item="Access")
    locker = item(2, 1200, "2026-06-15", schedule="monthly_on_15", item="Locker", item_kind="rental")
    fee = item(3, 9900, "2026-06-01", billing="once", item="Enrolment", item_kind="fee", item_category="Fees")
    sell(club, key, locker, fee, start="2026-06-01")
    assert close(club, "2026-06-01") == 1, "one agreement"
    charges = sorted(listed(club, "2026-06-01"), key=lambda charge: charge.item)
    assert [
        (charge.item, cents(charge.amount), cents(charge.tax), charge.charge_key.rpartition("/")[2])
        for charge in charges
    ] == [
        ("Access", 3500, 289, "recurring"),
        ("Enrolment", 9900, 0, "once"),
    ]
    assert charges[1].item_category == "Fees"
    answer(club, "2026-06-01", *charges)
    close(club, "2026-07-01")
    due = sorted((iso(charge.due_date), charge.item) for charge in listed(club, "2026-07-01"))
    assert due == [("2026-06-15", "Locker"), ("2026-07-01", "Access")], "what was missed is caught up, a fee comes once"


def test_agr_4_an_agreement_expires_with_its_key_item_and_its_optional_items_with_it(club: Club) -> None:
    club.import_records(record(1, start_date="2027-05-31"))
    key = item(1, 3500, "2026-06-01", months=1)
    towels = item(2, 500, "2026-06-01", is_required=False)
    name = sell(club, key, towels, start="2026-06-01", term="fixed_1")
    bill(club, "2026-06-01")
    club.run_day("2026-07-01")
    found = club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=name))
    assert (found.status, [line.state for line in found.lines]) == ("Expired", ["ended", "ended"])
    assert bill(club, "2026-07-01") == [], "the optional item isn't billed without the agreement"


def test_bil_1_a_suspended_agreement_is_skipped_once_however_many_lines_it_has(club: Club) -> None:
    club.import_records(record(1, start_date="2027-05-31"))
    name = sell(club, item(1, 3500, "2026-06-01"), item(2, 500, "2026-06-01"), start="2026-06-01")
    suspension = agreements_pb.Suspension(agreement=name, type="Freeze", start_date=day("2026-05-20"))
    club.set_clock("2026-05-20")
    club.agreements.CreateSuspension(
        agreements_pb.CreateSuspensionRequest(parent=club.unit, suspension=suspension, request_id=str(uuid4()))
    )
    assert bill(club, "2026-06-01") == []
    assert skipped(club, "2026-06-01") == [("sold", "SUSPENDED")]
