"""`boss run`: a bill run's life on the command line, against a billing that stands in (SPEC BIL-1)."""

from typing import Any

import pytest
from boss.agreements.v1 import division_service_pb2 as division_pb
from boss.agreements.v1 import division_service_pb2_grpc as division_grpc
from boss.billing.v1 import bill_run_service_pb2 as pb
from boss.billing.v1 import bill_run_service_pb2_grpc as pb_grpc
from google.type import date_pb2, money_pb2
from stand_ins import ENTERPRISE, Cli, stand_in

DAY = date_pb2.Date(year=2026, month=3, day=10)


def usd(units: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="USD", units=units)


def test_bil_1_a_preview_shows_each_invoice_its_payments_and_why_not_the_rest(cli: Cli) -> None:
    asked: list[Any] = []
    paid = pb.PlannedPayment(kind="New", tender="VISA", amount=usd(35))
    new = pb.PlannedInvoice(due_date=DAY, total=usd(35), balance=usd(35), payments=[paid])
    held = pb.PlannedInvoice(
        invoice="a/invoices/i", invoice_number="M7-3", total=usd(20), balance=usd(20), not_paid_description="Suspended."
    )
    agreements = [
        pb.PlannedAgreement(agreement_number="A1", invoices=[new]),
        pb.PlannedAgreement(invoices=[held]),
        pb.PlannedAgreement(agreement_number="A9", skipped=[pb.SkippedCharge(description="It is cancelled.")]),
    ]

    def told(request: Any) -> Any:
        asked.append((request.parent, request.bill_date, request.page_token))
        token = "" if request.page_token else "more"
        return pb.PreviewBillRunResponse(agreements=agreements if token else [], next_page_token=token)

    cli.add("billing", stand_in(pb_grpc, "BillRunService", PreviewBillRun=told))
    result = cli.run("run", "preview", "--date", "2026-03-10")
    lines = [line.split() for line in result.stdout.splitlines()[1:]]
    assert lines == [
        ["A1", "2026-03-10", "35.00", "USD", "35.00", "USD", "New", "VISA", "35.00", "USD"],
        ["M7-3", "20.00", "USD", "20.00", "USD", "Suspended."],
        ["A9", "It", "is", "cancelled."],
    ]
    assert asked == [(f"enterprises/{ENTERPRISE}", DAY, ""), (f"enterprises/{ENTERPRISE}", DAY, "more")]
    assert "first 1" in cli.run("run", "preview", "--date", "2026-03-10", "--limit", "1").stdout


def test_bil_1_a_draft_is_made_for_a_day_and_shown(cli: Cli) -> None:
    def told(request: Any) -> Any:
        assert (request.parent, request.bill_date) == (f"enterprises/{ENTERPRISE}", DAY)
        return pb.BillRun(name="enterprises/e/billRuns/r1", state=pb.BillRun.STATE_DRAFT)

    cli.add("billing", stand_in(pb_grpc, "BillRunService", CreateBillRun=told))
    assert "draft" in cli.run("run", "draft", "--date", "2026-03-10").stdout


@pytest.mark.parametrize("command", ["preview", "draft", "start"])
def test_bil_1_a_run_may_be_for_a_division_by_its_name(cli: Cli, command: str) -> None:
    west = division_pb.Division(name=f"enterprises/{ENTERPRISE}/divisions/d1", display_name="West")
    listed = division_pb.ListDivisionsResponse(divisions=[west])
    asked: list[str] = []

    def told(request: Any) -> Any:
        asked.append(request.parent)
        return pb.PreviewBillRunResponse() if command == "preview" else pb.BillRun(name="r")

    methods = {"PreviewBillRun": told, "CreateBillRun": told, "StartBillRun": told}
    cli.add("billing", stand_in(pb_grpc, "BillRunService", **methods))
    cli.add("agreements", stand_in(division_grpc, "DivisionService", ListDivisions=lambda _: listed))
    day = ("--date", "2026-03-10")
    assert cli.run("run", command, *day, "--division", "West").exit_code == 0
    assert asked == [west.name]
    unknown = cli.run("run", command, *day, "--division", "East")
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "--division: there is no division 'East' in this enterprise; there are: West.\n",
    )
    both = cli.run("run", command, *day, "--division", "West", "--unit", "Denver Club")
    assert (both.exit_code, both.stderr) == (1, "Give --unit or --division, not both: a unit lies in one division.\n")


@pytest.mark.parametrize(
    ("word", "method", "state"),
    [
        ("approve", "ApproveBillRun", "APPROVED"),
        ("cancel", "CancelBillRun", "CANCELLED"),
        ("resume", "ResumeBillRun", "BILLING"),
    ],
)
def test_bil_1_a_run_is_approved_cancelled_and_resumed_by_its_id(cli: Cli, word: str, method: str, state: str) -> None:
    asked: list[str] = []

    def told(request: Any) -> Any:
        asked.append(request.name)
        return pb.BillRun(name=request.name, state=pb.BillRun.State.Value(f"STATE_{state}"))

    cli.add("billing", stand_in(pb_grpc, "BillRunService", **{method: told}))
    result = cli.run("run", word, "r7")
    assert asked == [f"enterprises/{ENTERPRISE}/billRuns/r7"]
    assert state.lower() in result.stdout


def test_bil_1_what_a_run_skipped_is_listed_with_the_reason(cli: Cli) -> None:
    skip = pb.SkippedCharge(agreement_number="M1-1", reason="SUSPENDED", description="Suspended until 2026-04-01.")
    found = [pb.ListSkippedChargesResponse(skipped_charges=[skip]), pb.ListSkippedChargesResponse()]
    cli.add("billing", stand_in(pb_grpc, "BillRunService", ListSkippedCharges=lambda _: found.pop(0)))
    line = cli.run("run", "skipped", "r7").stdout.splitlines()[1]
    assert line.split() == ["M1-1", "SUSPENDED", "Suspended", "until", "2026-04-01."]
    assert cli.run("run", "skipped", "r7").stdout == "The run skipped nothing.\n"
