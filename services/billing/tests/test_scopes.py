"""Whose rows a question is about: a unit's, an account's, an agreement's or a run's, and nobody else's (DESIGN 3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from boss.billing.v1 import account_service_pb2 as account_pb
from boss.billing.v1 import account_service_pb2_grpc as account_grpc
from boss.billing.v1 import bill_run_service_pb2 as run_pb
from boss.billing.v1 import bill_run_service_pb2_grpc as run_grpc
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import invoice_service_pb2_grpc as invoice_grpc
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc as ledger_grpc
from boss.billing.v1 import movement_service_pb2 as movement_pb
from boss.billing.v1 import movement_service_pb2_grpc as movement_grpc
from boss.billing.v1 import payment_service_pb2 as payment_pb
from boss.billing.v1 import payment_service_pb2_grpc as payment_grpc
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, due, ref, unit_id
from till import Till

from boss_billing.funding.rules import UpdateOutcome
from boss_billing.invoices.rules import SkippedAgreement
from boss_billing.runs.commands import resume_run
from boss_kit.errors import NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_from_proto

ENTERPRISE = f"enterprises/{ENTERPRISE_ID}"
UNITS = {name: f"{ENTERPRISE}/businessUnits/{unit_id(name)}" for name in (DENVER, AUSTIN)}
OF_UNIT = {DENVER: ("M1", "M2"), AUSTIN: ("X1",)}


@pytest.fixture
def billed(club: Club) -> Club:
    """Give a club of two units that have billed: M1 and M2 in Denver, of whom one was declined, and X1 in Austin."""
    for unit, numbers in OF_UNIT.items():
        for number in numbers:
            club.add_account(number, business_unit=unit)
            club.due.charges.append(due(number, amount_minor=1000))
            club.due.unit_of[due(number).account_id] = unit_id(unit)
    club.script["tok_M2", 1] = "D05"
    club.play(DAY)
    return club


@pytest.mark.parametrize(("unit", "count"), [("", 3), (DENVER, 2), (AUSTIN, 1)])
def test_design_3_a_question_about_a_unit_is_answered_about_that_unit(
    billed: Club, server: Any, unit: str, count: int
) -> None:
    parent = UNITS.get(unit, ENTERPRISE)
    numbers = set(OF_UNIT.get(unit, ("M1", "M2", "X1")))
    payments = server.stub(payment_grpc.PaymentServiceStub).ListPayments(
        payment_pb.ListPaymentsRequest(parent=parent), timeout=10
    )
    assert {one.name.split("/")[5] for one in payments.payments} == {str(ref(number).id) for number in numbers}
    invoices = server.stub(invoice_grpc.InvoiceServiceStub).ListInvoices(
        invoice_pb.ListInvoicesRequest(parent=parent), timeout=10
    )
    assert {one.number for one in invoices.invoices} == {f"{number}-1" for number in numbers}
    accounts = server.stub(account_grpc.AccountServiceStub).ListAccounts(
        account_pb.ListAccountsRequest(parent=parent), timeout=10
    )
    assert {one.number for one in accounts.accounts} == numbers
    batches = server.stub(run_grpc.BillRunServiceStub).ListBatches(run_pb.ListBatchesRequest(parent=parent), timeout=10)
    assert sum(tender.payments for one in batches.batches for tender in one.tenders) == count
    books = server.stub(ledger_grpc.LedgerServiceStub)
    summed = books.GetBillingSummary(ledger_pb.GetBillingSummaryRequest(parent=parent), timeout=10)
    assert (summed.invoiced.count, summed.submitted.count, summed.bill_runs) == (count, count, 1)
    aged = books.GetAging(ledger_pb.GetAgingRequest(parent=parent), timeout=10)
    assert sum(one.total.units for one in aged.sums) == (0 if unit == AUSTIN else 10)


def test_bil_10_a_summary_counts_the_first_day_and_the_last_and_no_other(billed: Club, server: Any) -> None:
    books = server.stub(ledger_grpc.LedgerServiceStub)

    def counts(first: int, last: int) -> tuple[int, int, int]:
        days = [date_to_proto(DAY + timedelta(days=offset)) for offset in (first, last)]
        request = ledger_pb.GetBillingSummaryRequest(parent=ENTERPRISE, start_date=days[0], end_date=days[1])
        found = books.GetBillingSummary(request, timeout=10)
        return found.invoiced.count, found.submitted.count, found.bill_runs

    assert counts(0, 0) == (3, 3, 1)
    assert counts(-5, -1) == counts(1, 5) == (0, 0, 0)


def test_bil_10_what_runs_invoiced_holds_no_sale_and_no_fee(billed: Club, server: Any) -> None:
    till = Till(billed)
    till.invoice("M1", 500)
    till.fee("M1", 300)
    books = server.stub(ledger_grpc.LedgerServiceStub)
    found = books.GetBillingSummary(ledger_pb.GetBillingSummaryRequest(parent=ENTERPRISE), timeout=10)
    assert (found.invoiced.count, money_from_proto(found.invoiced.amount)) == (3, Money(3000, "USD"))


def test_bil_10_what_is_owed_in_all_is_less_the_credit_there_is(billed: Club, server: Any) -> None:
    Till(billed).pay("M1", 300)
    books = server.stub(ledger_grpc.LedgerServiceStub)
    found = books.CheckLedger(ledger_pb.CheckLedgerRequest(parent=ENTERPRISE), timeout=10)
    assert money_from_proto(found.receivable) == Money(700, "USD")
    aged = books.GetAging(ledger_pb.GetAgingRequest(parent=ENTERPRISE), timeout=10)
    # Who has credit and owes nothing isn't counted among those who owe.
    assert (aged.accounts, money_from_proto(aged.sums[0].credit)) == (1, Money(300, "USD"))


def test_bil_11_payments_and_movements_of_a_unit_are_listed_with_the_numbers_of_their_accounts(
    billed: Club, server: Any
) -> None:
    till = Till(billed)
    till.credit("M2", 300)
    till.debit("M1", 200)
    payments = server.stub(payment_grpc.PaymentServiceStub)
    paid = payments.ListPayments(payment_pb.ListPaymentsRequest(parent=UNITS[DENVER]), timeout=10).payments
    assert {(one.name.split("/")[5], one.account_number) for one in paid} == {
        (str(ref(number).id), number) for number in OF_UNIT[DENVER]
    }
    assert payments.GetPayment(payment_pb.GetPaymentRequest(name=paid[0].name), timeout=10) == paid[0]
    movements = server.stub(movement_grpc.MovementServiceStub)
    moved = movements.ListMovements(movement_pb.ListMovementsRequest(parent=UNITS[DENVER]), timeout=10).movements
    assert [(one.kind, one.account_number) for one in moved] == [("credit", "M2"), ("debit", "M1")]


def test_an_account_is_found_by_its_number(billed: Club, server: Any) -> None:
    accounts = server.stub(account_grpc.AccountServiceStub)
    found = accounts.ListAccounts(account_pb.ListAccountsRequest(parent=ENTERPRISE, number="M2"), timeout=10)
    assert [one.number for one in found.accounts] == ["M2"]


def test_a_balance_is_told_only_of_accounts_that_are_where_their_name_says(billed: Club, server: Any) -> None:
    accounts = server.stub(account_grpc.AccountServiceStub)
    asked = [ref("M2").name, ref("M1", AUSTIN).name, ref("X1", AUSTIN).name]
    found = accounts.BatchGetBalances(account_pb.BatchGetBalancesRequest(parent=ENTERPRISE, accounts=asked), timeout=10)
    told = [(one.account, one.balance.units, one.past_due_balance.units) for one in found.balances]
    assert told == [(asked[0], 10, 10), (asked[2], 0, 0)]


def of_another_account(name: str) -> str:
    """Give the name of a thing below an account that doesn't have it."""
    return name.replace(str(ref("M1").id), str(ref("M2").id))


def test_what_belongs_to_one_account_is_not_found_below_another(billed: Club, server: Any) -> None:
    account = ref("M1").name
    payment = billed.one("SELECT id FROM payment WHERE account_id = :id", id=ref("M1").id)
    invoice = billed.one("SELECT id FROM invoice WHERE account_id = :id", id=ref("M1").id)
    movement = Till(billed).credit("M1", 100).id
    asked: Sequence[tuple[Any, Any, str]] = [
        (server.stub(payment_grpc.PaymentServiceStub).GetPayment, payment_pb.GetPaymentRequest, f"payments/{payment}"),
        (server.stub(invoice_grpc.InvoiceServiceStub).GetInvoice, invoice_pb.GetInvoiceRequest, f"invoices/{invoice}"),
        (
            server.stub(movement_grpc.MovementServiceStub).GetMovement,
            movement_pb.GetMovementRequest,
            f"movements/{movement}",
        ),
    ]
    for call, request, place in asked:
        assert call(request(name=f"{account}/{place}"), timeout=10).name == f"{account}/{place}"
        with pytest.raises(NotFound):
            call(request(name=of_another_account(f"{account}/{place}")), timeout=10)


def test_invoices_are_listed_open_ones_alone_and_by_agreement(billed: Club, server: Any) -> None:
    invoices = server.stub(invoice_grpc.InvoiceServiceStub)

    def numbers(**wanted: Any) -> list[str]:
        request = invoice_pb.ListInvoicesRequest(parent=ENTERPRISE, **wanted)
        return [one.number for one in invoices.ListInvoices(request, timeout=10).invoices]

    assert numbers(open_only=True) == ["M2-1"]
    agreement = billed.one("SELECT agreement_id FROM invoice WHERE number = 'M1-1'")
    assert numbers(agreement=f"{UNITS[DENVER]}/agreements/{agreement}") == ["M1-1"]


def test_bil_1_a_run_lists_what_it_skipped_itself(club: Club, server: Any) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    runs = server.stub(run_grpc.BillRunServiceStub)
    listed = {}
    for offset, number in ((0, "A-1"), (1, "A-2")):
        club.set_clock(DAY + timedelta(days=offset))
        club.due.charges.append(due("M1", club.day, cycle=offset + 2))
        club.due.skipped = [SkippedAgreement(UUID(int=offset), number, "SUSPENDED", "It is suspended.")]
        run = f"{ENTERPRISE}/billRuns/{club.bill().id}"
        listed[number] = runs.ListSkippedCharges(run_pb.ListSkippedChargesRequest(parent=run), timeout=10)
    assert [[one.agreement_number for one in found.skipped_charges] for found in listed.values()] == [["A-1"], ["A-2"]]


def test_bil_1_progress_counts_the_batches_a_run_cut_and_not_their_retries(club: Club, server: Any) -> None:
    club.settings(card_updater=True)
    club.add_account("M1", exp_year="2025")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D16"
    club.bill()
    club.deliver()
    club.ask("card-updater")
    (found,) = club.wire.inner.outstanding_updates(ENTERPRISE_ID, 10)
    renewed = {"token": "", "last4": "", "expiry_month": 6, "expiry_year": 2029}
    club.report_updates(replace(found, outcome=UpdateOutcome.NEW_EXPIRY, **renewed))
    club.do_tasks()
    assert club.rows("SELECT label FROM batch ORDER BY label") == [("Original",), ("Retry",)]
    runs = server.stub(run_grpc.BillRunServiceStub)
    name = f"{ENTERPRISE}/billRuns/{club.one('SELECT id FROM bill_run')}"
    told = runs.GetBillRun(run_pb.GetBillRunRequest(name=name), timeout=10)
    assert (told.batches, told.batches_submitted) == (1, 1)


def test_bil_1_progress_counts_the_shards_of_the_round_it_is_in(club: Club, server: Any) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    run = club.bill()
    club.due.charges.append(due("M1", cycle=2))
    runs = server.stub(run_grpc.BillRunServiceStub)
    name = f"{ENTERPRISE}/billRuns/{run.id}"
    with club.units.begin(club.context()) as tx:
        resume_run(tx, run.id)

    def shards() -> tuple[int, int, int]:
        told = runs.GetBillRun(run_pb.GetBillRunRequest(name=name), timeout=10)
        return told.round, told.shards, told.shards_done

    assert shards() == (2, 0, 0)
    club.do_tasks()
    assert shards() == (2, 1, 1)


def test_spec_0_an_open_invoice_is_past_due_from_the_day_after_its_due_date(club: Club, server: Any) -> None:
    club.add_account("M1")
    Till(club).invoice("M1", 1000)
    accounts = server.stub(account_grpc.AccountServiceStub)

    def past_due() -> int:
        found = accounts.GetAccount(account_pb.GetAccountRequest(name=ref("M1").name), timeout=10)
        return int(found.past_due_balance.units)

    assert past_due() == 0
    club.set_clock(DAY + timedelta(days=1))
    assert past_due() == 10
