"""An enterprise whose units bill in several currencies: nothing of one is added to another (SPEC 0, BIL-1)."""

from typing import Any

import pytest
import sqlalchemy as sa
from boss.billing.v1 import bill_run_service_pb2 as pb
from boss.billing.v1 import bill_run_service_pb2_grpc as grpc
from boss.events.agreements.v1 import agreements_events_pb2 as agreements_pb
from club import DAY, DENVER, ENTERPRISE_ID, Club, due, unit_id

from boss_billing import events
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto

ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
TOKYO = "Tokyo Club"


@pytest.fixture
def of_two(club: Club) -> Club:
    """Give a club in dollars and one in yen, each with a member, a charge due and an older invoice to collect."""
    unit = agreements_pb.BusinessUnitChanged(
        business_unit=f"{ENTERPRISE}/businessUnits/{unit_id(TOKYO)}",
        display_name=TOKYO,
        time_zone="Asia/Tokyo",
        currency="JPY",
    )
    club.feed((events.UNIT_CHANGED, unit_id(TOKYO), unit))
    for number, place in (("M1", DENVER), ("T1", TOKYO)):
        club.add_account(number, business_unit=place, past_due_balance="20", oldest_due_date="2025-11-01")
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET next_attempt_date = :day"), {"day": DAY})
    club.due.charges = [due("M1"), due("T1", amount_minor=8000, currency="JPY")]
    club.due.unit_of[due("T1").account_id] = unit_id(TOKYO)
    return club


@pytest.fixture
def runs(server: Any) -> Any:
    return server.stub(grpc.BillRunServiceStub)


def test_bil_1_a_run_over_units_of_several_currencies_tells_each_sum_by_itself(of_two: Club, runs: Any) -> None:
    run = of_two.bill()
    name = f"{ENTERPRISE}/billRuns/{run.id}"
    watched = list(runs.WatchBillRun(pb.WatchBillRunRequest(name=name), timeout=10))[-1]
    (listed,) = runs.ListBillRuns(pb.ListBillRunsRequest(parent=ENTERPRISE), timeout=10).bill_runs
    assert watched == listed
    assert list(listed.amounts_invoiced) == [money_to_proto(Money(8000, "JPY")), money_to_proto(Money(3500, "USD"))]
    # What is collected of older invoices is among the payments.
    assert list(listed.amounts_submitted) == [money_to_proto(Money(8020, "JPY")), money_to_proto(Money(5500, "USD"))]
    assert (listed.invoices, listed.payments) == (2, 4)
    assert not listed.HasField("amount_invoiced")
    assert not listed.HasField("amount_submitted")


def test_bil_1_a_run_in_one_currency_tells_its_sums_as_before(of_two: Club, runs: Any) -> None:
    of_two.bill(unit=TOKYO)
    (listed,) = runs.ListBillRuns(pb.ListBillRunsRequest(parent=ENTERPRISE), timeout=10).bill_runs
    assert (listed.amount_invoiced, listed.amount_submitted) == (
        money_to_proto(Money(8000, "JPY")),
        money_to_proto(Money(8020, "JPY")),
    )
    assert list(listed.amounts_invoiced) == [listed.amount_invoiced]


def test_bil_1_sums_of_a_run_that_has_begun_before_they_were_told_by_currency_stay(of_two: Club, runs: Any) -> None:
    of_two.bill(unit=DENVER)
    with of_two.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM bill_run_collected; UPDATE bill_run SET collected_minor = 2000")
    (listed,) = runs.ListBillRuns(pb.ListBillRunsRequest(parent=ENTERPRISE), timeout=10).bill_runs
    assert listed.amount_submitted == money_to_proto(Money(5500, "USD"))


def test_bil_1_a_draft_has_nothing_in_the_currency_of_its_first_unit(club: Club, runs: Any) -> None:
    request = pb.CreateBillRunRequest(
        parent=ENTERPRISE, bill_date=date_to_proto(DAY), request_id="018f2f6e-0000-7000-8000-00000000000a"
    )
    draft = runs.CreateBillRun(request, timeout=10)
    assert (draft.amount_invoiced, draft.amount_submitted) == (money_to_proto(Money(0, "USD")),) * 2


def test_bil_1_a_preview_over_units_of_several_currencies_shows_each_invoice_in_its_own(
    of_two: Club, runs: Any
) -> None:
    found, token = [], ""
    while True:
        request = pb.PreviewBillRunRequest(parent=ENTERPRISE, bill_date=date_to_proto(DAY), page_token=token)
        page = runs.PreviewBillRun(request, timeout=10)
        found += [invoice for one in page.agreements for invoice in one.invoices]
        token = page.next_page_token
        if not token:
            break
    shown = sorted((one.balance.currency_code, one.balance.units) for one in found)
    assert shown == [("JPY", 20), ("JPY", 8000), ("USD", 20), ("USD", 35)]
    assert all(paid.amount == one.balance for one in found for paid in one.payments)
