"""What agreements asks of billing outside a run: accounts, sources, invoices, payments and returns."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from boss.billing.v1 import account_service_pb2 as account_pb
from boss.billing.v1 import account_service_pb2_grpc as account_grpc
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import invoice_service_pb2_grpc as invoice_grpc
from boss.billing.v1 import payment_service_pb2 as payment_pb
from boss.billing.v1 import payment_service_pb2_grpc as payment_grpc
from boss.billing.v1 import refund_service_pb2 as refund_pb
from boss.billing.v1 import refund_service_pb2_grpc as refund_grpc
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import DAY, ENTERPRISE_ID, Club, agreement_id, request_id, unit_id, usd
from google.protobuf import field_mask_pb2

from boss_billing import events
from boss_kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto

UNIT = f"enterprises/{ENTERPRISE_ID}/businessUnits/{unit_id()}"
NEW_ID = UUID("018f2f6e-0000-7000-8000-00000000abcd")
GOLD = f"{UNIT}/agreements/{agreement_id('M1')}"


class Desk:
    """Calls billing as agreements does."""

    def __init__(self, server: Any) -> None:
        self._accounts = server.stub(account_grpc.AccountServiceStub)
        self._invoices = server.stub(invoice_grpc.InvoiceServiceStub)
        self._payments = server.stub(payment_grpc.PaymentServiceStub)
        self._refunds = server.stub(refund_grpc.RefundServiceStub)

    def account(self, number: str = "N1", account_id: UUID = NEW_ID, asked: str = "", **fields: Any) -> Any:
        request = account_pb.CreateAccountRequest(
            parent=UNIT,
            account_id=str(account_id),
            account=account_pb.Account(number=number, **fields),
            request_id=asked or request_id(),
        )
        return self._accounts.CreateAccount(request, timeout=10)

    def get(self, name: str) -> Any:
        return self._accounts.GetAccount(account_pb.GetAccountRequest(name=name), timeout=10)

    def source(self, parent: str, tender: str = "VISA", **fields: Any) -> Any:
        card = {} if tender == "Manual" else {"token": "tok_a", "last4": "4242"}
        if tender not in ("Manual", "ACH"):
            card |= {"expiry_month": 12, "expiry_year": 2030}
        source = account_pb.FundingSource(tender=tender, **(card | fields))
        request = account_pb.CreateFundingSourceRequest(parent=parent, funding_source=source, request_id=request_id())
        return self._accounts.CreateFundingSource(request, timeout=10)

    def change(self, name: str, paths: Sequence[str] = (), **fields: Any) -> Any:
        request = account_pb.UpdateFundingSourceRequest(
            funding_source=account_pb.FundingSource(name=name, **fields),
            update_mask=field_mask_pb2.FieldMask(paths=paths or list(fields)),
            request_id=request_id(),
        )
        return self._accounts.UpdateFundingSource(request, timeout=10)

    def invoice(self, parent: str, *lines: Any, asked: str = "", **fields: Any) -> Any:
        request = invoice_pb.CreateInvoiceRequest(
            parent=parent, lines=lines or [line()], request_id=asked or request_id(), **fields
        )
        return self._invoices.CreateInvoice(request, timeout=10)

    def invoices(self, parent: str, **fields: Any) -> Any:
        return list(
            self._invoices.ListInvoices(invoice_pb.ListInvoicesRequest(parent=parent, **fields), timeout=10).invoices
        )

    def pay(self, parent: str, amount_minor: int, invoice: str = "", tender: str = "CASH", asked: str = "") -> Any:
        request = payment_pb.CreatePaymentRequest(
            parent=parent,
            amount=usd(amount_minor),
            tender=tender,
            invoice=invoice,
            request_id=asked or request_id(),
        )
        return self._payments.CreatePayment(request, timeout=10)

    def returns(self, parent: str, *amounts: tuple[int, int], **fields: Any) -> Any:
        lines = [
            refund_pb.ReturnLine(description="Tour pack", amount=usd(net), tax=usd(tax), item_category="Retail")
            for net, tax in amounts
        ]
        values = {"destination": refund_pb.REFUND_DESTINATION_ACCOUNT_CREDIT, "reason": "changed his mind"} | fields
        request = refund_pb.CreateReturnRequest(parent=parent, lines=lines, request_id=request_id(), **values)
        return self._refunds.CreateReturn(request, timeout=10)

    def refund(self, name: str) -> Any:
        return self._refunds.GetRefund(refund_pb.GetRefundRequest(name=name), timeout=10)


def line(amount_minor: int = 10_000, tax_minor: int = 800, **fields: Any) -> Any:
    values = {"description": "Tour pack", "item_category": "Retail", "item": "10 tours"} | fields
    return invoice_pb.NewInvoiceLine(amount=usd(amount_minor), tax=usd(tax_minor), **values)


@pytest.fixture
def desk(club: Club, server: Any) -> Desk:
    return Desk(server)


def test_an_account_gets_the_id_its_caller_chose_and_owes_nothing(club: Club, desk: Desk) -> None:
    made = desk.account()
    assert (made.name, made.number, made.currency) == (f"{UNIT}/accounts/{NEW_ID}", "N1", "USD")
    assert (made.balance, made.credit) == (usd(0), usd(0))
    assert [event.key for event in club.facts(events.BALANCE_CHANGED)] == [str(NEW_ID)]


def test_an_id_or_number_that_is_taken_is_refused_and_so_is_another_currency(desk: Desk) -> None:
    desk.account()
    with pytest.raises(AlreadyExists, match="N1"):
        desk.account(account_id=UUID(int=5))
    with pytest.raises(AlreadyExists):
        desk.account(number="N2")
    with pytest.raises(InvalidArgument, match="USD"):
        desk.account(number="N3", account_id=UUID(int=6), currency="EUR")
    with pytest.raises(InvalidArgument, match="number"):
        desk.account(number=" ", account_id=UUID(int=7))


def test_spec_0_recurring_percents_sum_to_100_and_the_rest_is_the_primarys(desk: Desk) -> None:
    account = desk.account().name
    visa = desk.source(account, recurring=True)
    assert (visa.primary, visa.responsibility_percent, visa.valid, visa.active) == (True, 100, True, True)
    bank = desk.source(account, "ACH", recurring=True, responsibility_percent=40)
    percents = {one.name: one.responsibility_percent for one in desk.get(account).funding_sources}
    assert percents == {visa.name: 60, bank.name: 40}
    desk.change(bank.name, responsibility_percent=25)
    assert [one.responsibility_percent for one in desk.get(account).funding_sources] == [75, 25]
    with pytest.raises(InvalidArgument, match="must be 75"):
        desk.change(visa.name, responsibility_percent=60)
    desk.change(bank.name, active=False)
    assert [one.responsibility_percent for one in desk.get(account).funding_sources] == [100, 0]


def test_spec_0_a_source_with_100_percent_takes_over(desk: Desk) -> None:
    account = desk.account().name
    visa = desk.source(account, recurring=True)
    with pytest.raises(InvalidArgument, match="leave nothing for the primary"):
        desk.source(account, "MC", recurring=True, primary=True)
    card = desk.source(account, "MC", recurring=True, primary=True, responsibility_percent=100)
    sources = {one.name: one for one in desk.get(account).funding_sources}
    assert (sources[card.name].primary, sources[card.name].responsibility_percent) == (True, 100)
    before = sources[visa.name]
    assert (before.primary, before.recurring, before.responsibility_percent) == (False, False, 0)


def test_an_account_keeps_one_primary_source(desk: Desk) -> None:
    account = desk.account().name
    visa = desk.source(account, recurring=True)
    desk.source(account, "ACH")
    with pytest.raises(FailedPrecondition, match="one primary"):
        desk.change(visa.name, primary=False)
    with pytest.raises(FailedPrecondition, match="inactive"):
        desk.change(visa.name, active=False)


def test_agr_10_a_changed_source_tells_what_was_and_what_is(club: Club, desk: Desk) -> None:
    account = desk.account().name
    visa = desk.source(account, recurring=True)
    desk.change(visa.name, tender="MC", last4="1111", valid=False, on_account=True)
    facts = [events_pb.FundingSourceChanged.FromString(one.data) for one in club.facts(events.SOURCE_CHANGED)]
    created, changed = facts
    assert (created.reason, created.HasField("previous"), created.current.responsibility_percent) == (
        "created",
        False,
        100,
    )
    before, after = changed.previous, changed.current
    assert (before.tender, before.last4, before.valid, before.on_account) == ("VISA", "4242", True, False)
    assert (after.tender, after.last4, after.valid, after.on_account) == ("MC", "1111", False, True)


def test_bil_1_statement_billing_is_invoiced_and_never_charged(club: Club, desk: Desk) -> None:
    account = desk.account().name
    manual = desk.source(account, "Manual", recurring=True)
    desk.invoice(account)
    club.play(DAY)
    assert (manual.tender, manual.token) == ("Manual", "")
    assert club.one("SELECT count(*) FROM payment") == 0
    with pytest.raises(InvalidArgument, match="must be empty"):
        desk.source(account, "Manual", token="tok_x")


def test_a_source_that_cannot_be_is_refused(desk: Desk) -> None:
    account = desk.account().name
    for fields in ({"token": "4111111111111111"}, {"last4": "12"}, {"expiry_month": 13}, {"tender": "GOLD"}):
        with pytest.raises(InvalidArgument):
            desk.source(account, **fields)
    with pytest.raises(InvalidArgument, match="update_mask"):
        desk.change(f"{account}/fundingSources/{NEW_ID}", paths=["name"])
    with pytest.raises(NotFound):
        desk.change(f"{account}/fundingSources/{NEW_ID}", valid=True)


def test_bil_2_an_invoice_due_later_is_on_account_and_collected_on_its_day(club: Club, desk: Desk) -> None:
    account = desk.account().name
    desk.source(account, recurring=True)
    later = DAY + timedelta(days=10)
    made = desk.invoice(account, agreement=GOLD, due_date=date_to_proto(later))
    assert (made.number, made.kind, made.total, made.balance) == ("N1-1", "sale", usd(10_800), usd(10_800))
    assert (made.lines[0].item_category, made.lines[0].item, made.agreement) == ("Retail", "10 tours", GOLD)
    club.play(later - timedelta(days=1))
    assert club.one("SELECT count(*) FROM payment") == 0
    club.play(later)
    assert club.one("SELECT kind, state FROM payment") == ("On Account", "approved")
    club.assert_books()


def test_design_4_a_charge_key_is_billed_once_for_ever_and_told(club: Club, desk: Desk) -> None:
    account = desk.account().name
    key = f"{NEW_ID}/1/once"
    made = desk.invoice(account, line(charge_key=key), agreement=GOLD)
    (told,) = [events_pb.ChargeBilled.FromString(one.data) for one in club.facts(events.CHARGE_BILLED)]
    assert (told.charge_key, told.agreement, told.invoice, told.amount) == (key, GOLD, made.name, usd(10_800))
    with pytest.raises(AlreadyExists, match=key):
        desk.invoice(account, line(charge_key=key), agreement=GOLD)
    with pytest.raises(InvalidArgument, match="agreement"):
        desk.invoice(account, line(charge_key="other"))
    with pytest.raises(InvalidArgument, match="two lines"):
        desk.invoice(account, line(charge_key="x"), line(charge_key="x"), agreement=GOLD)


def test_an_invoice_of_wrong_amounts_is_refused(desk: Desk) -> None:
    account = desk.account().name
    with pytest.raises(InvalidArgument, match="below zero"):
        desk.invoice(account, line(-1))
    euro = invoice_pb.NewInvoiceLine(
        description="x", item_category="x", amount=money_to_proto(Money(100, "EUR")), tax=usd(0)
    )
    with pytest.raises(InvalidArgument, match="USD"):
        desk.invoice(account, euro)


def test_bil_11_credit_of_the_account_pays_for_a_new_invoice(club: Club, desk: Desk) -> None:
    account = desk.account().name
    desk.pay(account, 3000)
    made = desk.invoice(account)
    assert (made.balance, desk.get(account).credit) == (usd(7800), usd(0))
    club.assert_books()


def test_bil_12_a_payment_pays_the_named_invoice_first(club: Club, desk: Desk) -> None:
    account = desk.account().name
    old, new = desk.invoice(account), desk.invoice(account, line(2000, 0))
    paid = desk.pay(account, 2500, new.name)
    assert paid.invoice == new.name
    balances = {one.name: one.balance for one in desk.invoices(account)}
    assert balances == {old.name: usd(10_300), new.name: usd(0)}
    with pytest.raises(FailedPrecondition, match="is paid"):
        desk.pay(account, 100, new.name)
    club.assert_books()


def test_invoices_are_listed_by_agreement(desk: Desk) -> None:
    account = desk.account().name
    mine = desk.invoice(account, agreement=GOLD)
    desk.invoice(account)
    assert [one.name for one in desk.invoices(account, agreement=GOLD)] == [mine.name]


def test_bil_11_a_return_gives_price_and_tax_back_as_credit_that_pays_what_is_open(club: Club, desk: Desk) -> None:
    account = desk.account().name
    desk.invoice(account, agreement=GOLD)
    made = desk.returns(account, (5000, 400), agreement=GOLD)
    assert (made.total, made.agreement, made.lines[0].tax) == (usd(5400), GOLD, usd(400))
    assert (desk.get(account).balance, desk.get(account).credit) == (usd(5400), usd(0))
    tax = "SELECT sum(CASE WHEN credit = 'tax' THEN amount_minor ELSE -amount_minor END) FROM transfer"
    assert club.one(f"{tax} WHERE 'tax' IN (debit, credit)") == 400
    with pytest.raises(FailedPrecondition, match="not returned yet"):
        desk.returns(account, (5401, 0), agreement=GOLD)
    club.assert_books()


def test_bil_11_a_return_in_cash_gives_back_no_more_than_was_paid_at_the_desk(club: Club, desk: Desk) -> None:
    account = desk.account().name
    invoice = desk.invoice(account, agreement=GOLD)
    desk.pay(account, 10_000, invoice.name)
    cash = {"agreement": GOLD, "destination": refund_pb.REFUND_DESTINATION_CASH}
    with pytest.raises(FailedPrecondition, match="more than was paid for this agreement"):
        desk.returns(account, (10_000, 800), **cash)
    made = desk.returns(account, (9000, 720), **cash)
    assert (made.refund.amount, made.refund.state) == (usd(9720), refund_pb.Refund.STATE_APPROVED)
    assert desk.get(account).credit == usd(0)
    club.assert_books()


def test_all_3_fifty_calls_with_one_request_id_have_one_effect_and_one_answer(club: Club, desk: Desk) -> None:
    account = desk.account().name
    asked = request_id()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: desk.pay(account, 1000, asked=asked).SerializeToString(), range(50)))
    assert len(set(answers)) == 1
    assert desk.get(account).credit == usd(1000)
    assert club.one("SELECT count(*) FROM transfer") == 1
