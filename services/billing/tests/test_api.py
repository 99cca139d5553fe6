"""Billing's API over real gRPC, and what it asks of agreements."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from boss.agreements.v1 import due_charge_service_pb2 as due_pb
from boss.agreements.v1 import due_charge_service_pb2_grpc as due_grpc
from boss.billing.v1 import account_service_pb2 as account_pb
from boss.billing.v1 import account_service_pb2_grpc as account_grpc
from boss.billing.v1 import bill_run_service_pb2 as run_pb
from boss.billing.v1 import bill_run_service_pb2_grpc as run_grpc
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import invoice_service_pb2_grpc as invoice_grpc
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc as ledger_grpc
from boss.billing.v1 import payment_service_pb2 as payment_pb
from boss.billing.v1 import payment_service_pb2_grpc as payment_grpc
from boss.platform.v1 import timeline_service_pb2 as timeline_pb
from boss.platform.v1 import timeline_service_pb2_grpc as timeline_grpc
from club import AUSTIN, DAY, DENVER, ENTERPRISE_ID, Club, due, ref, request_id, unit_id, usd

from boss_billing.adapters.delivery import Delivery
from boss_billing.clients import AgreementsDueCharges, OwnCallbackDoor
from boss_billing.funding.rules import source_id
from boss_billing.runs.rules import Shard
from boss_kit.errors import InvalidArgument, NotFound, PermissionDenied
from boss_kit.rpc.convert import date_to_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"


def start(server: Any, parent: str = PARENT, asked: str = "") -> Any:
    request = run_pb.StartBillRunRequest(parent=parent, bill_date=date_to_proto(DAY), request_id=asked or request_id())
    return server.stub(run_grpc.BillRunServiceStub).StartBillRun(request, timeout=5)


def test_bil_1_a_run_is_started_watched_to_its_end_and_listed(club: Club, server: Any) -> None:
    club.add_account("M1")
    club.due.charges = [due("M1")]
    runs = server.stub(run_grpc.BillRunServiceStub)
    started = start(server)
    assert started.state == run_pb.BillRun.STATE_BILLING
    assert start(server).name == started.name
    watched = iter(runs.WatchBillRun(run_pb.WatchBillRunRequest(name=started.name)))
    assert next(watched).state == run_pb.BillRun.STATE_BILLING
    club.do_tasks()
    last = list(watched)[-1]
    assert last.state == run_pb.BillRun.STATE_SUBMITTED
    counts = (last.invoices, last.payments, last.shards, last.shards_done, last.batches, last.batches_submitted)
    assert counts == (1, 1, 1, 1, 1, 1)
    assert (last.amount_invoiced, last.amount_submitted) == (usd(3500), usd(3500))
    listed = runs.ListBillRuns(run_pb.ListBillRunsRequest(parent=PARENT), timeout=5)
    assert [one.name for one in listed.bill_runs] == [started.name]
    (batch,) = runs.ListBatches(run_pb.ListBatchesRequest(parent=PARENT), timeout=5).batches
    assert (batch.number, batch.label, batch.state, batch.tenders[0].tender) == (1, "Original", "submitted", "VISA")


def test_all_3_a_command_repeated_with_its_request_id_has_one_effect(club: Club, server: Any) -> None:
    account = club.add_account("M1")
    payments = server.stub(payment_grpc.PaymentServiceStub)
    request = payment_pb.CreatePaymentRequest(
        parent=account.name, amount=usd(1000), tender="CASH", request_id=request_id()
    )
    first, second = (payments.CreatePayment(request, timeout=5) for _ in range(2))
    assert first == second
    assert first.state == payment_pb.Payment.STATE_APPROVED
    listed = payments.ListPayments(payment_pb.ListPaymentsRequest(parent=account.name), timeout=5)
    assert [one.name for one in listed.payments] == [first.name]
    assert payments.GetPayment(payment_pb.GetPaymentRequest(name=first.name), timeout=5) == first


def test_bil_5_an_invoice_shows_its_failed_attempts_and_the_next_planned_one(club: Club, server: Any) -> None:
    account = club.add_account("M1")
    club.due.charges = [due("M1", tax_minor=100)]
    club.script["tok_M1", 1] = "D03"
    club.bill()
    club.deliver()
    invoices = server.stub(invoice_grpc.InvoiceServiceStub)
    (listed,) = invoices.ListInvoices(
        invoice_pb.ListInvoicesRequest(parent=account.name, open_only=True), timeout=5
    ).invoices
    found = invoices.GetInvoice(invoice_pb.GetInvoiceRequest(name=listed.name), timeout=5)
    assert (found.number, found.total, found.balance, found.failed_attempts) == ("M1-1", usd(3600), usd(3600), 1)
    assert found.next_attempt_date == date_to_proto(DAY + timedelta(days=7))
    assert [(line.description, line.amount, line.tax) for line in found.lines] == [
        ("Gold Monthly", usd(3500), usd(100))
    ]


def test_a_name_below_another_unit_finds_nothing(club: Club, server: Any) -> None:
    club.add_account("M1")
    elsewhere = ref("M1", AUSTIN)
    accounts = server.stub(account_grpc.AccountServiceStub)
    with pytest.raises(NotFound):
        accounts.GetAccount(account_pb.GetAccountRequest(name=elsewhere.name), timeout=5)
    payments = server.stub(payment_grpc.PaymentServiceStub)
    with pytest.raises(NotFound):
        payments.CreatePayment(
            payment_pb.CreatePaymentRequest(
                parent=elsewhere.name, amount=usd(100), tender="CASH", request_id=request_id()
            ),
            timeout=5,
        )


def test_a_manager_of_one_unit_may_not_read_another(club: Club, server: Any, tokens: Any) -> None:
    token = tokens.token("anna", ["club_manager"], [f"{PARENT}/businessUnits/{unit_id(AUSTIN)}"])
    invoices = server.stub(invoice_grpc.InvoiceServiceStub, token)
    with pytest.raises(PermissionDenied):
        invoices.ListInvoices(
            invoice_pb.ListInvoicesRequest(parent=f"{PARENT}/businessUnits/{unit_id(DENVER)}"), timeout=5
        )


def test_lists_are_paged_without_a_gap_or_a_double(club: Club, server: Any) -> None:
    for number in range(5):
        club.add_account(f"M{number}")
    accounts = server.stub(account_grpc.AccountServiceStub)
    numbers, token = [], ""
    while True:
        page = accounts.ListAccounts(
            account_pb.ListAccountsRequest(parent=PARENT, page_size=2, page_token=token), timeout=5
        )
        numbers += [one.number for one in page.accounts]
        token = page.next_page_token
        if not token:
            break
    assert numbers == [f"M{number}" for number in range(5)]


def test_bil_6_a_rebill_schedule_is_never_daily_and_needs_a_known_unit(club: Club, server: Any) -> None:
    books = server.stub(ledger_grpc.LedgerServiceStub)

    def update(unit: str, days: int) -> Any:
        wanted = ledger_pb.BillingSettings(
            business_unit=f"{PARENT}/businessUnits/{unit_id(unit)}", rebill_after_days=days, rebill_attempts_max=3
        )
        request = ledger_pb.UpdateBillingSettingsRequest(billing_settings=wanted, request_id=request_id())
        return books.UpdateBillingSettings(request, timeout=5)

    assert update(DENVER, 2).rebill_after_days == 2
    with pytest.raises(InvalidArgument, match="rebill_after_days"):
        update(DENVER, 1)
    with pytest.raises(NotFound):
        update("Nowhere Club", 7)


def test_bil_4_how_a_unit_bills_can_be_read_and_says_where_it_comes_from(club: Club, server: Any) -> None:
    books = server.stub(ledger_grpc.LedgerServiceStub)
    unit = f"{PARENT}/businessUnits/{unit_id(DENVER)}"
    asked = ledger_pb.GetBillingSettingsRequest(business_unit=unit)
    assert books.GetBillingSettings(asked, timeout=5) == ledger_pb.BillingSettings(business_unit=unit)
    wanted = ledger_pb.BillingSettings(
        business_unit=unit, card_updater=True, rebill_after_days=5, rebill_attempts_max=2, card_updater_days_before=6
    )
    request = ledger_pb.UpdateBillingSettingsRequest(billing_settings=wanted, request_id=request_id())
    books.UpdateBillingSettings(request, timeout=5)
    wanted.defined_at = unit
    assert books.GetBillingSettings(asked, timeout=5) == wanted
    with pytest.raises(NotFound):
        nowhere = f"{PARENT}/businessUnits/{unit_id('Nowhere Club')}"
        books.GetBillingSettings(ledger_pb.GetBillingSettingsRequest(business_unit=nowhere), timeout=5)


def test_bil_10_the_books_are_proved_and_summed_over_the_api(club: Club, server: Any) -> None:
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    books = server.stub(ledger_grpc.LedgerServiceStub)
    proof = books.CheckLedger(ledger_pb.CheckLedgerRequest(parent=PARENT), timeout=5)
    assert (proof.balanced, proof.transfers, proof.receivable) == (True, 1, usd(2000))
    summed = books.GetBillingSummary(ledger_pb.GetBillingSummaryRequest(parent=PARENT), timeout=5)
    assert (summed.invoiced.count, summed.submitted.amount) == (0, usd(0))


def test_spec_0_a_card_number_as_token_is_refused_and_a_renewed_source_is_told(club: Club, server: Any) -> None:
    account = club.add_account("M1")
    accounts = server.stub(account_grpc.AccountServiceStub)
    name = f"{account.name}/fundingSources/{source_id(account.id)}"

    def renew(token: str) -> Any:
        source = account_pb.FundingSource(name=name, token=token, last4="1111", expiry_month=5, expiry_year=2031)
        request = account_pb.UpdateFundingSourceRequest(funding_source=source, request_id=request_id())
        return accounts.UpdateFundingSource(request, timeout=5)

    with pytest.raises(InvalidArgument, match="card number"):
        renew("4111111111111111")
    assert renew("tok_new").last4 == "1111"


def test_all_2_the_timeline_tells_billings_part_in_order(club: Club, server: Any) -> None:
    account = club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D03"
    club.bill()
    club.deliver()
    timeline = server.stub(timeline_grpc.TimelineServiceStub)
    request = timeline_pb.ListTimelineEntriesRequest(parent=account.name)
    texts = [one.text for one in timeline.ListTimelineEntries(request, timeout=5).timeline_entries]
    assert texts == [
        "Funding source VISA ending in 4242 was imported.",
        "Invoice M1-1 of 20.00 USD was taken over as opening balance, owed since 2025-11-01.",
        "Invoice M1-2 of 35.00 USD was made, due on 2026-01-05.",
        "Payment of 35.00 USD for invoice M1-2 was made, VISA (New, batch 1).",
        "Payment of 35.00 USD was declined: D03 Insufficient funds.",
    ]


def told(server: Any, account: str) -> list[str]:
    request = timeline_pb.ListTimelineEntriesRequest(parent=account)
    found = server.stub(timeline_grpc.TimelineServiceStub).ListTimelineEntries(request, timeout=5).timeline_entries
    return [one.text for one in found]


def test_all_2_a_source_is_told_to_be_invalid_after_the_decline_that_made_it_so(club: Club, server: Any) -> None:
    account = club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D13"
    club.bill()
    club.deliver()
    assert told(server, account.name)[-2:] == [
        "Payment of 35.00 USD was declined: D13.",
        "Funding source VISA ending in 4242 became invalid by declines.",
    ]


def test_all_2_a_retry_is_told_after_the_decline_and_what_the_updater_did_about_it(club: Club, server: Any) -> None:
    club.settings(card_updater=True)
    account = club.add_account("M1")
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D05"
    club.play(club.day)
    story = told(server, account.name)
    kinds = [
        "was imported",
        "Invoice M1-1 of 35.00 USD was made",
        "Payment of 35.00 USD for invoice M1-1 was made, VISA (New, batch 1)",
        "Payment of 35.00 USD was declined: D05",
        "The card updater answered: ",
        "was renewed by the card updater",
        "(Retry, batch 1)",
        "Retry of the payment of 35.00 USD was approved",
    ]
    assert len(story) == len(kinds)
    assert all(kind in line for kind, line in zip(kinds, story, strict=True)), story


class Agreements(due_grpc.DueChargeServiceServicer):
    """Stands in for agreements over real gRPC."""

    def BatchCloseBillDates(self, request: Any, context: Any) -> Any:
        self.closed = request
        closed = [due_pb.CloseBillDateResponse(due_agreements=number) for number in range(len(request.business_units))]
        return due_pb.BatchCloseBillDatesResponse(closed=closed)

    def ListDueCharges(self, request: Any, context: Any) -> Iterator[Any]:
        self.listed = request
        one = due("M1", tax_minor=7)
        yield due_pb.ListDueChargesResponse(
            charges=[
                due_pb.DueCharge(
                    charge_key=one.charge_key,
                    account_id=str(one.account_id),
                    agreement_id=str(one.agreement_id),
                    agreement_number=one.agreement_number,
                    due_date=date_to_proto(one.due_date),
                    period_start_date=date_to_proto(one.period_start_date),
                    period_end_date=date_to_proto(one.period_end_date),
                    amount=usd(one.amount_minor),
                    tax=usd(one.tax_minor),
                    description=one.description,
                    item_category=one.item_category,
                    item=one.item,
                )
            ],
            skipped=[
                due_pb.SkippedCharge(agreement_id=str(one.agreement_id), agreement_number="A-M9", reason="SUSPENDED")
            ],
        )


class Stubs:
    """Channels to a server under test."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def to(self, service: str) -> Any:
        return self._server.stub(lambda channel: channel)


def test_design_4_what_agreements_says_is_due_arrives_as_it_is(serving: Any) -> None:
    agreements = Agreements()
    server = serving("agreements", [lambda server: due_grpc.add_DueChargeServiceServicer_to_server(agreements, server)])
    client = AgreementsDueCharges(Stubs(server))  # type: ignore[arg-type]
    run_id = UUID(int=7)
    units = [unit_id(), UUID(int=8)]
    assert client.close_bill_dates(ENTERPRISE_ID, units, DAY, run_id) == [0, 1]
    first = agreements.closed
    (page,) = client.pages(ENTERPRISE_ID, Shard(unit_id(), 0, 1), DAY, "t")
    assert list(page.charges) == [due("M1", tax_minor=7)]
    assert [one.reason for one in page.skipped] == ["SUSPENDED"]
    assert (agreements.listed.page_token, agreements.listed.shard_count) == ("t", 1)
    client.close_bill_dates(ENTERPRISE_ID, units, DAY, run_id)
    assert agreements.closed == first, "asked again for the same run it is the same command"


def test_bil_8_the_simulator_delivers_through_the_real_callback_door(club: Club, server: Any) -> None:
    club.settings(card_updater=True)
    for number, code in (("M1", "A01"), ("M2", "D16")):
        club.add_account(number)
        club.script[f"tok_{number}", 1] = code
    club.due.charges = [due("M1"), due("M2")]
    club.bill()
    delivery = Delivery(club.wire.inner, OwnCallbackDoor(Stubs(server)))  # type: ignore[arg-type]
    task: Any = type("Task", (), {"enterprise_id": ENTERPRISE_ID, "business_date": club.day})
    delivery.results(task)
    delivery.results(task)
    club.ask("card-updater")
    delivery.updates(task)
    club.do_tasks()
    delivery.retry_results(task)
    assert club.one("SELECT count(*) FROM payment WHERE state IN ('approved', 'finally_declined')") == 2
    assert club.one("SELECT count(*) FROM callback WHERE state <> 'applied'") == 0
    club.assert_books()


def test_all_3_fifty_calls_at_once_with_one_request_id_have_one_effect_and_one_answer(club: Club, server: Any) -> None:
    account = club.add_account("M1")
    club.due.charges = [due("M1")]
    payments, runs = server.stub(payment_grpc.PaymentServiceStub), server.stub(run_grpc.BillRunServiceStub)
    paying = payment_pb.CreatePaymentRequest(
        parent=account.name, amount=usd(1000), tender="CASH", request_id=request_id()
    )
    starting = run_pb.StartBillRunRequest(parent=PARENT, bill_date=date_to_proto(DAY), request_id=request_id())
    with ThreadPoolExecutor(50) as pool:
        paid = list(pool.map(lambda _: payments.CreatePayment(paying, timeout=30), range(50)))
        started = list(pool.map(lambda _: runs.StartBillRun(starting, timeout=30), range(50)))
    assert all(one == paid[0] for one in paid)
    assert all(one == started[0] for one in started)
    assert club.one("SELECT count(*) FROM payment") == 1
    assert club.one("SELECT credit_minor FROM account") == 1000
    assert club.one("SELECT count(*) FROM bill_run") == 1
    club.assert_books()
