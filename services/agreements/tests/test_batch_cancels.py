"""The past-due batch cancel: criteria, preview, confirmation, a result per row (SPEC AGR-12)."""

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_billing import bill, item, sell
from agreements_catalogue import CANCEL_REASON, GROUP, Catalogue
from agreements_club import Club, cents, day, record, usd
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb
from boss.agreements.v1 import batch_cancel_service_pb2 as pb
from boss.agreements.v1 import batch_cancel_service_pb2_grpc as pb_grpc
from boss.billing.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    invoice_service_pb2,
    invoice_service_pb2_grpc,
    payment_service_pb2,
    payment_service_pb2_grpc,
)

from boss_agreements.batch_cancels.commands import COLLECT_TASK, RUN_TASK
from boss_agreements.batch_cancels.process import collect_process, run_process
from boss_agreements.batch_cancels.rules import Candidate, Criteria, OpenInvoice, debts, why_excluded
from boss_agreements.clients import BillingDebtors
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.rpc.client import BossChannel
from boss_kit.tasks import TaskRunner

TODAY = date(2026, 6, 10)


@dataclass
class Billing(
    invoice_service_pb2_grpc.InvoiceServiceServicer,
    payment_service_pb2_grpc.PaymentServiceServicer,
    account_service_pb2_grpc.AccountServiceServicer,
):
    """Stands in for billing: knows open invoices, payments and what is past due now."""

    invoices: list[Any] = field(default_factory=list)
    payments: dict[str, list[str]] = field(default_factory=dict)
    paid_up: set[str] = field(default_factory=set)

    def owes(self, agreement: str, account: str, due: str, minor: int) -> None:
        name = f"{account}/invoices/{uuid4()}"
        self.invoices.append(
            invoice_service_pb2.Invoice(name=name, agreement=agreement, due_date=day(due), balance=usd(minor))
        )

    def ListInvoices(self, request: Any, context: Any) -> Any:
        assert request.open_only
        first = int(request.page_token or 0)
        rest = str(first + 1) if first + 1 < len(self.invoices) else ""
        return invoice_service_pb2.ListInvoicesResponse(invoices=self.invoices[first : first + 1], next_page_token=rest)

    def ListPayments(self, request: Any, context: Any) -> Any:
        state = payment_service_pb2.Payment.STATE_APPROVED
        days = self.payments.get(request.parent, [])
        return payment_service_pb2.ListPaymentsResponse(
            payments=[payment_service_pb2.Payment(state=state, payment_date=day(one)) for one in days]
        )

    def BatchGetBalances(self, request: Any, context: Any) -> Any:
        balances = [
            account_service_pb2.AccountBalance(account=name, past_due_balance=usd(0 if name in self.paid_up else 9900))
            for name in request.accounts
        ]
        return account_service_pb2.BatchGetBalancesResponse(balances=balances)


@dataclass
class Desk:
    """Who cancels in batches, with a usual reason."""

    club: Club
    billing: Billing
    service: Any
    reason: Any
    runner: TaskRunner

    def account(self, member: str) -> str:
        return f"{self.club.unit}/accounts/{self.club.account_id(member)}"

    def sell(self, member: str, **values: Any) -> str:
        """Sell an agreement to a member, who then owes $99 since 1 April."""
        self.club.import_records(record(1, external_id=member, start_date="2027-05-31"))
        gold = sell(
            self.club,
            item(1, 3500, "2026-07-01", owner=f"of-{member}"),
            start="2026-01-01",
            owner=f"of-{member}",
            member=member,
            **values,
        )
        self.billing.owes(gold, self.account(member), "2026-04-01", 9900)
        return gold

    def create(self, **values: Any) -> Any:
        usual = {"days_past_due": 30, "reason_id": self.reason.name.rpartition("/")[2]}
        request = pb.CreateBatchCancelRequest(
            parent=self.club.unit, batch_cancel=pb.BatchCancel(**(usual | values)), request_id=str(uuid4())
        )
        made = self.service.CreateBatchCancel(request)
        self.run()
        return self.service.GetBatchCancel(pb.GetBatchCancelRequest(name=made.name))

    def rows(self, batch: Any) -> list[tuple[str, str, str]]:
        found = self.service.ListBatchCancelRows(pb.ListBatchCancelRowsRequest(parent=batch.name)).rows
        return [(one.agreement_number, one.outcome, one.detail) for one in found]

    def confirm(self, batch: Any, rows: int) -> Any:
        request = pb.ConfirmBatchCancelRequest(name=batch.name, expected_rows=rows, request_id=str(uuid4()))
        made = self.service.ConfirmBatchCancel(request)
        self.run()
        return self.service.GetBatchCancel(pb.GetBatchCancelRequest(name=made.name))

    def status(self, agreement: str) -> str:
        found: str = self.club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=agreement)).status
        return found

    def run(self) -> None:
        while self.runner.run_one():
            pass


@dataclass
class Channels:
    """The way to billing."""

    channel: Any

    def to(self, _service: str) -> Any:
        return self.channel


@pytest.fixture
def desk(club: Club, serving: Any, tokens: Any) -> Desk:
    """Give a desk of a club on 10 June, and its billing."""
    billing = Billing()
    adders = (
        invoice_service_pb2_grpc.add_InvoiceServiceServicer_to_server,
        payment_service_pb2_grpc.add_PaymentServiceServicer_to_server,
        account_service_pb2_grpc.add_AccountServiceServicer_to_server,
    )
    running = serving("billing", [partial(add, billing) for add in adders])
    signer = tokens.signer("agreements")
    channel = BossChannel(running.plain, "billing", lambda _context: signer.token("billing"))
    debtors = BillingDebtors(Channels(channel))  # type: ignore[arg-type]
    processes = {
        COLLECT_TASK: collect_process(club.units, debtors),
        RUN_TASK: run_process(club.units, debtors),
    }
    club.set_clock(TODAY.isoformat())
    reason = Catalogue(club).create(CANCEL_REASON(display_name="Does not pay"))
    stub = club.server.stub(pb_grpc.BatchCancelServiceStub)
    return Desk(club, billing, stub, reason, TaskRunner(club.units.engine, processes))


def test_agr_12_those_who_owe_are_looked_at_confirmed_and_cancelled_row_by_row(desk: Desk) -> None:
    first, second = desk.sell("M1"), desk.sell("M2")
    batch = desk.create()
    assert (batch.state, batch.included_rows, cents(batch.included_amount)) == ("ready", 2, 19800)
    assert desk.status(first) == "Active", "nothing happens before it is confirmed"
    done = desk.confirm(batch, 2)
    assert (done.state, done.cancelled_rows, done.included_rows) == ("done", 2, 0)
    assert (desk.status(first), desk.status(second)) == ("Cancelled", "Cancelled")
    assert sorted(desk.rows(done)) == [("of-M1", "cancelled", ""), ("of-M2", "cancelled", "")]


def test_agr_12_nothing_goes_back_the_balance_stays_owed(desk: Desk) -> None:
    from boss.agreements.v1 import cancellation_service_pb2, cancellation_service_pb2_grpc

    desk.club.import_records(record(1, start_date="2027-05-31"))
    year = sell(desk.club, item(1, 36500, "2026-04-01", months=12, billing="paid_in_full"), start="2026-04-01")
    bill(desk.club, "2026-06-09")
    desk.billing.owes(year, desk.account("M1"), "2026-04-01", 36500)
    desk.confirm(desk.create(), 1)
    stub = desk.club.server.stub(cancellation_service_pb2_grpc.CancellationServiceStub)
    request = cancellation_service_pb2.ListCancellationsRequest(parent=desk.club.unit, agreement=year)
    (made,) = stub.ListCancellations(request).cancellations
    assert (made.status, cents(made.amount_due_to_customer), made.return_state) == ("Complete", 0, "")


def test_agr_12_a_reason_that_refunds_is_refused(desk: Desk) -> None:
    refunds = Catalogue(desk.club).create(CANCEL_REASON(display_name="Refund", refund=True))
    with pytest.raises(FailedPrecondition) as refused:
        desk.create(reason_id=refunds.name.rpartition("/")[2])
    assert refused.value.reason == "REASON_REFUNDS"


def test_agr_12_corporate_primaries_are_never_in_and_corporate_add_ons_only_if_wanted(desk: Desk) -> None:
    primary = desk.sell("M1", group_type="Corporate")
    add_on = desk.sell(
        "M2", group_type="Corporate", role="Add-on", primary_agreement_id=UUID(primary.rpartition("/")[2])
    )
    batch = desk.create(exclude_corporate_add_ons=True)
    assert sorted(desk.rows(batch)) == [
        ("of-M1", "excluded", "A corporate primary is never cancelled in a batch."),
        ("of-M2", "excluded", "Corporate add-ons are excluded."),
    ]
    desk.confirm(desk.create(), 1)
    assert (desk.status(primary), desk.status(add_on)) == ("Active", "Cancelled")


def test_agr_12_who_paid_within_the_dates_or_is_suspended_is_left_out(desk: Desk) -> None:
    desk.sell("M1")
    desk.sell("M2", status="Freeze")
    desk.sell("M3")
    desk.billing.payments[desk.account("M1")] = ["2026-01-05", "2026-06-01"]
    desk.billing.payments[desk.account("M3")] = ["2026-05-30"]
    batch = desk.create(paid_from_date=day("2026-06-01"), paid_to_date=day("2026-06-10"), exclude_suspended=True)
    assert sorted(desk.rows(batch)) == [
        ("of-M1", "excluded", "A payment was made on 2026-06-01."),
        ("of-M2", "excluded", "Suspended agreements are excluded."),
        ("of-M3", "included", ""),
    ]


def test_agr_12_a_row_that_is_refused_says_why_and_stops_no_other(desk: Desk) -> None:
    primary, other = desk.sell("M1"), desk.sell("M2")
    desk.sell("M3", role="Add-on", primary_agreement_id=UUID(primary.rpartition("/")[2]))
    desk.billing.invoices = desk.billing.invoices[:2]
    done = desk.confirm(desk.create(), 2)
    assert (done.cancelled_rows, done.refused_rows) == (1, 1)
    assert ("of-M1", "refused", "The add-on agreement of-M3 (Gold) has to be cancelled first.") in desk.rows(done)
    assert (desk.status(primary), desk.status(other)) == ("Active", "Cancelled")


def test_agr_6_add_ons_follow_where_their_group_says_so(desk: Desk) -> None:
    group = Catalogue(desk.club).create(
        GROUP(display_name="Family", type="Family", add_ons_allowed=True, on_batch_cancel="follow")
    )
    group_id = UUID(group.name.rpartition("/")[2])
    primary = desk.sell("M1", group_type="Family", group_id=group_id)
    add_on = desk.sell("M2", role="Add-on", primary_agreement_id=UUID(primary.rpartition("/")[2]))
    desk.billing.invoices = desk.billing.invoices[:1]
    desk.confirm(desk.create(), 1)
    assert (desk.status(primary), desk.status(add_on)) == ("Cancelled", "Cancelled")


def test_agr_12_who_has_paid_since_is_skipped(desk: Desk) -> None:
    gold = desk.sell("M1")
    batch = desk.create()
    desk.billing.paid_up.add(desk.account("M1"))
    assert desk.confirm(batch, 1).skipped_rows == 1
    assert desk.status(gold) == "Active"


def test_agr_12_other_rows_than_those_looked_at_are_not_confirmed(desk: Desk) -> None:
    gold = desk.sell("M1")
    batch = desk.create()
    with pytest.raises(FailedPrecondition) as refused:
        desk.confirm(batch, 2)
    assert refused.value.reason == "ROWS_CHANGED"
    desk.service.DiscardBatchCancel(pb.DiscardBatchCancelRequest(name=batch.name, request_id=str(uuid4())))
    with pytest.raises(FailedPrecondition) as over:
        desk.confirm(batch, 1)
    assert over.value.reason == "BATCH_NOT_READY"
    assert desk.status(gold) == "Active"


@pytest.mark.parametrize(
    "values",
    [
        {"days_past_due": 0},
        {"paid_from_date": day("2026-06-01")},
        {"paid_from_date": day("2026-06-02"), "paid_to_date": day("2026-06-01")},
        {"minimum_amount": usd(-1)},
    ],
)
def test_agr_12_criteria_that_cannot_be_meant_are_refused(desk: Desk, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="batch_cancel"):
        desk.create(**values)


def invoice(agreement: int, due: str, minor: int) -> OpenInvoice:
    return OpenInvoice(UUID(int=1), UUID(int=agreement), date.fromisoformat(due), minor)


def test_agr_12_only_what_is_past_due_for_long_enough_and_enough_of_it_counts() -> None:
    invoices = [
        invoice(1, "2026-05-11", 1000),
        invoice(1, "2026-06-01", 500),
        invoice(1, "2026-06-10", 9999),
        invoice(2, "2026-05-12", 9000),
        invoice(3, "2026-04-01", 1499),
    ]
    (found,) = debts(invoices, Criteria(30, 1500), TODAY)
    assert (found.agreement_id.int, found.amount_minor, found.days_past_due(TODAY)) == (1, 1500, 30)


def test_agr_12_an_individual_who_owes_is_in() -> None:
    assert why_excluded(Candidate("Active", "Individual", "Primary", None), Criteria(30, 0)) == ""
    assert why_excluded(Candidate("Hold", "Individual", "Primary", None), Criteria(30, 0)) == ""
