"""What `boss` shows in tables: whole words and numbers, whose bill runs they are, and days and units there are."""

import io
from typing import Any

import pytest
from boss.agreements.v1 import organization_service_pb2, organization_service_pb2_grpc
from boss.billing.v1 import bill_run_service_pb2, bill_run_service_pb2_grpc
from boss.collections.v1 import collections_service_pb2_grpc
from google.type import date_pb2, money_pb2
from stand_ins import ENTERPRISE, Cli, stand_in

from boss_cli import screen
from boss_kit.errors import NotFound

DAY = date_pb2.Date(year=2026, month=3, day=10)


def usd(units: int, currency: str = "USD") -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, units=units)


def test_a_table_keeps_numbers_and_words_whole_in_a_narrow_window() -> None:
    written = io.StringIO()
    row = ("2026-01-01", "Paid at the desk by the father of the member", "171 / 11,510.00")
    table = screen.table(("day", "text", "amount"), [row], right=("amount",))
    screen.Screen(file=written, width=34).print(table)
    lines = [line.split() for line in written.getvalue().splitlines()]
    assert lines[1][0] == "2026-01-01"
    assert lines[1][-3:] == ["171", "/", "11,510.00"]
    words = [word for line in lines[1:] for word in line]
    assert all(word in words for word in ["Paid", "at", "the", "desk", "by", "the", "father", "of", "the", "member"])


def test_a_table_gives_what_room_is_left_to_the_texts_that_need_it() -> None:
    assert screen.share_room([10, 5, 8], [10, 12, 40], 40) == [10, 12, 18]
    assert screen.share_room([10, 5, 8], [10, 12, 40], 100) == [10, 12, 40]
    assert screen.share_room([10, 5, 8], [10, 12, 40], 3) == [10, 5, 8]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-02-30", "'2026-02-30' is no day of the calendar."),
        ("1.2.26", "'1.2.26' is no day: write it as YYYY-MM-DD, such as 2026-03-01."),
        ("2026-1-5", "'2026-1-5' is no day: write it as YYYY-MM-DD, such as 2026-03-01."),
    ],
)
def test_a_day_that_is_none_is_refused_with_how_to_write_one(cli: Cli, text: str, told: str) -> None:
    result = cli.run("debtors", "--as-of", text)
    assert (result.exit_code, f"Invalid value for '--as-of': {told}" in result.stderr) == (2, True)


def test_bill_runs_are_listed_with_whose_they_are(cli: Cli) -> None:
    of_unit = f"enterprises/{ENTERPRISE}/businessUnits/u1"
    run = bill_run_service_pb2.BillRun(
        name=f"enterprises/{ENTERPRISE}/billRuns/r1", scope=of_unit, bill_date=DAY, invoices=7,
        amounts_invoiced=[usd(20), usd(39, "EUR")], payments=6, amounts_submitted=[usd(40), usd(0, "EUR")], batches=2,
        batches_submitted=1,
        state=bill_run_service_pb2.BillRun.STATE_CANCELLED,
    )  # fmt: skip
    whole = bill_run_service_pb2.BillRun(scope=f"enterprises/{ENTERPRISE}", name="enterprises/e/billRuns/r2")
    listed = bill_run_service_pb2.ListBillRunsResponse(bill_runs=[run, whole, run])
    unit = organization_service_pb2.BusinessUnit(name=of_unit, external_id="Denver Club")
    units = organization_service_pb2.ListBusinessUnitsResponse(business_units=[unit])
    cli.add("billing", stand_in(bill_run_service_pb2_grpc, "BillRunService", ListBillRuns=lambda _: listed))
    cli.add(
        "agreements",
        stand_in(organization_service_pb2_grpc, "OrganizationService", ListBusinessUnits=lambda _: units),
    )
    result = cli.run("run", "list", "--limit", "2")
    assert result.exit_code == 0, result.output
    first = " ".join(result.stdout.splitlines()[1].split())
    assert first == "2026-03-10 Denver Club cancelled 7 20.00 USD + 39.00 EUR 6 40.00 USD 0 1 of 2 r1"
    assert "the enterprise" in result.stdout.splitlines()[2]
    assert result.stdout.endswith("More bill runs exist: these are the first 2; --limit shows more.\n")


def test_a_bill_run_is_watched_by_its_id_as_the_list_shows_it(cli: Cli) -> None:
    asked: list[str] = []

    def told(request: Any) -> Any:
        asked.append(request.name)
        return iter([bill_run_service_pb2.BillRun(name=request.name)])

    cli.add("billing", stand_in(bill_run_service_pb2_grpc, "BillRunService", WatchBillRun=told))
    assert cli.run("run", "watch", "r1").exit_code == 0
    assert asked == [f"enterprises/{ENTERPRISE}/billRuns/r1"]


def test_a_unit_there_is_not_is_named_with_those_there_are(cli: Cli) -> None:
    def refuse(_: Any) -> Any:
        raise NotFound("BUSINESS_UNIT_NOT_FOUND", "Billing knows no business unit 00000000.")

    unit = organization_service_pb2.BusinessUnit(name="u1", external_id="Denver Club")
    units = organization_service_pb2.ListBusinessUnitsResponse(business_units=[unit])
    cli.add("collections", stand_in(collections_service_pb2_grpc, "CollectionsService", ListDebtors=refuse))
    told = cli.run("debtors", "--unit", "Dever").stderr
    assert "no business unit 'Dever' in this enterprise, an external id as agreements knows it" in told
    cli.add(
        "agreements",
        stand_in(organization_service_pb2_grpc, "OrganizationService", ListBusinessUnits=lambda _: units),
    )
    told = cli.run("debtors", "--unit", "Dever").stderr
    assert told == (
        "--unit: there is no business unit 'Dever' in this enterprise; there are: Denver Club. "
        "[BUSINESS_UNIT_NOT_FOUND]\n"
    )
