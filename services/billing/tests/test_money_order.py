"""Whose money goes where first, and what the books and the told balance say of it (SPEC BIL-10, BIL-11, BIL-12)."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from boss.billing.v1 import adjustment_service_pb2 as adjustment_pb
from boss.billing.v1 import adjustment_service_pb2_grpc as adjustment_grpc
from boss.billing.v1 import fee_service_pb2 as fee_pb
from boss.billing.v1 import fee_service_pb2_grpc as fee_grpc
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc as ledger_grpc
from boss.billing.v1 import payment_service_pb2 as payment_pb
from boss.billing.v1 import payment_service_pb2_grpc as payment_grpc
from boss.events.billing.v1 import billing_events_pb2 as events_pb
from club import AUSTIN, DAY, ENTERPRISE_ID, Club, due, ref, request_id, usd
from till import Till

from boss_billing import events
from boss_billing.chargebacks.rules import ReturnKind, ReturnOutcome
from boss_billing.invoices.commands import CreateInvoice, create_invoice
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.invoices.rules import Invoice, Kind, NewLine
from boss_billing.ledger.as_of import aged_accounts, aging
from boss_billing.payments.rules import Label
from boss_billing.refunds.rules import Destination
from boss_kit.errors import FailedPrecondition, NotFound
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import money_from_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"
EVERYTHING = InvoiceScope(ENTERPRISE_ID)


def sold(till: Till, amount_minor: int, due_date: date) -> Invoice:
    """Sell something to M1 that is due on a day."""
    line = NewLine("Tour pack", "Retail", "10 tours", amount_minor)
    with till.tx() as tx:
        return create_invoice(tx, CreateInvoice(ref("M1"), None, Kind.SALE, due_date, [line], {"USD"}))


def last_balance(club: Club) -> events_pb.AccountBalanceChanged:
    return events_pb.AccountBalanceChanged.FromString(club.facts(events.BALANCE_CHANGED)[-1].data)


# Payments


def test_bil_10_what_an_approved_payment_brings_above_its_invoice_is_credit_of_the_account(
    club: Club, till: Till
) -> None:
    club.due.charges = [due("M1")]
    club.bill()
    till.pay("M1", 1200)
    club.deliver()
    assert till.owed("M1") == (0, 1200)
    assert club.rows("SELECT credit, amount_minor FROM transfer WHERE source = 'payment' ORDER BY amount_minor") == [
        ("account_credit", 1200),
        ("receivable", 2300),
    ]
    assert till.booked("clearing") == 3500
    club.assert_books()


def test_bil_10_the_summary_counts_as_submitted_what_is_approved_declined_or_without_a_result_yet(
    club: Club, server: Any
) -> None:
    for place, number in enumerate(("M1", "M2", "M3", "M4")):
        club.add_account(number)
        club.due.charges.append(due(number, amount_minor=1000 * 2**place))
    club.script |= {("tok_M2", 1): "D05", ("tok_M4", 1): "D14"}
    club.bill()
    results = club.wire.inner.outstanding_results(ENTERPRISE_ID, Label.ORIGINAL, 10)
    tokens = {str(row.id): row.token for row in club.rows("SELECT id, token FROM attempt")}
    club.report(*(one for one in results if tokens[one.attempt_id] != "tok_M3"))
    Till(club).pay("M1", 50)
    books = server.stub(ledger_grpc.LedgerServiceStub)
    found = books.GetBillingSummary(ledger_pb.GetBillingSummaryRequest(parent=PARENT), timeout=10)
    assert (found.approved, found.declined, found.submitted) == (_total(1, 1000), _total(1, 2000), _total(3, 7000))


def _total(count: int, amount_minor: int) -> Any:
    return ledger_pb.CountAndAmount(count=count, amount=usd(amount_minor))


@pytest.mark.parametrize("tender", ["CASH", "CHECK", "CARD"])
def test_bil_12_money_at_the_desk_is_booked_by_its_tender(club: Club, till: Till, tender: str) -> None:
    till.invoice("M1", 1000)
    till.pay("M1", 1500, tender=tender)
    booked = club.rows("SELECT debit, debit_detail, credit, amount_minor FROM transfer WHERE debit = 'cash' ORDER BY 4")
    assert booked == [("cash", tender, "account_credit", 500), ("cash", tender, "receivable", 1000)]
    club.assert_books()


def test_bil_12_a_payment_names_the_account_where_it_is_and_finds_none_below_another_unit(
    club: Club, till: Till, server: Any
) -> None:
    invoice = till.invoice("M1", 1000)
    elsewhere = ref("M1", AUSTIN).name
    pay = payment_pb.CreatePaymentRequest(parent=elsewhere, amount=usd(500), tender="CASH", request_id=request_id())
    with pytest.raises(NotFound, match="no account"):
        server.stub(payment_grpc.PaymentServiceStub).CreatePayment(pay, timeout=10)
    give = adjustment_pb.CreateCreditRequest(
        parent=elsewhere, amount=usd(500), reason="goodwill", request_id=request_id()
    )
    with pytest.raises(NotFound, match="no account"):
        server.stub(adjustment_grpc.AdjustmentServiceStub).CreateCredit(give, timeout=10)
    assert (till.balance(invoice.id), club.one("SELECT count(*) FROM payment")) == (1000, 0)


def test_bil_12_what_is_told_of_an_account_says_of_each_open_invoice_whether_it_was_declined(
    club: Club, till: Till
) -> None:
    club.due.charges = [due("M1")]
    club.script["tok_M1", 1] = "D05"
    club.play(DAY)
    till.invoice("M1", 1000)
    assert [(one.number, one.declined) for one in last_balance(club).open_items] == [("M1-1", True), ("M1-2", False)]
    # A run tells it, too, of what was open before.
    before = len(club.facts(events.BALANCE_CHANGED))
    club.set_clock(DAY + timedelta(days=1))
    club.due.charges = [due("M1", club.day, cycle=2)]
    club.bill()
    told = [events_pb.AccountBalanceChanged.FromString(one.data) for one in club.facts(events.BALANCE_CHANGED)[before:]]
    declined = {"M1-1": True, "M1-2": False, "M1-3": False}
    assert told
    assert all({one.number: one.declined for one in balance.open_items} == declined for balance in told)


# Chargebacks


def test_bil_11_a_chargeback_takes_what_became_credit_first_and_then_the_newest_invoice(club: Club, till: Till) -> None:
    # Numbers grow with the time of the sale, so the newest by due date is neither the first nor the last number.
    oldest, newest, middle = (sold(till, 1000, DAY + timedelta(days=days)) for days in (0, 20, 10))
    payment_id = till.pay("M1", 3500, tender="CHECK")

    def owed() -> tuple[list[int], int]:
        return [till.balance(one.id) for one in (oldest, middle, newest)], till.owed("M1")[1]

    assert owed() == ([0, 0, 0], 500)
    till.take_back("M1", payment_id, 400, key="r1")
    assert owed() == ([0, 0, 0], 100)
    till.take_back("M1", payment_id, 400, key="r2")
    assert owed() == ([0, 0, 300], 0)
    till.take_back("M1", payment_id, 1200, key="r3")
    assert owed() == ([0, 500, 1000], 0)
    till.take_back("M1", payment_id, 1500, key="r4")
    assert owed() == ([1000, 1000, 1000], 0)
    club.assert_books()


def test_bil_11_of_invoices_due_on_one_day_a_chargeback_takes_the_one_with_the_highest_number_first(
    club: Club, till: Till
) -> None:
    invoices = [sold(till, 100, DAY) for _ in range(11)]
    payment_id = till.pay("M1", 1100)

    def reopened() -> list[str]:
        return [one.number for one in invoices if till.balance(one.id)]

    till.take_back("M1", payment_id, 100, key="r1")
    assert reopened() == ["M1-11"]
    till.take_back("M1", payment_id, 200, key="r2")
    assert reopened() == ["M1-9", "M1-10", "M1-11"]


def test_bil_11_a_reversal_pays_the_invoice_its_chargeback_reopened_before_an_older_one(club: Club, till: Till) -> None:
    paid = sold(till, 1000, DAY + timedelta(days=5))
    payment_id = till.pay("M1", 1000)
    till.take_back("M1", payment_id, 1000)
    older = sold(till, 1000, DAY)
    till.take_back("M1", payment_id, 600, ReturnKind.REVERSAL, "r2")
    assert (till.balance(paid.id), till.balance(older.id)) == (400, 1000)
    till.pay("M1", 400, paid.id)
    till.take_back("M1", payment_id, 400, ReturnKind.REVERSAL, "r3")
    assert (till.balance(paid.id), till.balance(older.id), till.owed("M1")) == (0, 600, (600, 0))
    club.assert_books()


# Fees and write-offs


def test_bil_11_no_more_of_a_fee_is_waived_than_is_owed_of_it(club: Club, till: Till, server: Any) -> None:
    fee = till.fee("M1", 1000)
    till.pay("M1", 300)

    def waive(amount_minor: int) -> Any:
        request = fee_pb.WaiveFeeRequest(
            invoice=fee.name, amount=usd(amount_minor), reason="first time", request_id=request_id()
        )
        return server.stub(fee_grpc.FeeServiceStub).WaiveFee(request, timeout=10)

    with pytest.raises(FailedPrecondition, match="take at most that off it"):
        waive(701)
    assert (till.balance(fee.id), club.one("SELECT count(*) FROM movement")) == (700, 0)
    assert money_from_proto(waive(700).amount) == Money(700, "USD")
    assert till.balance(fee.id) == 0
    club.assert_books()


def test_bil_11_credit_pays_first_and_the_rest_is_written_off(club: Club, till: Till) -> None:
    till.collected()
    till.credit("M1", 1000)
    refund_id = till.refund("M1", 1000, Destination.FUNDING_SOURCE)
    invoice = till.invoice("M1", 1500)
    till.answer(refund_id, "E04")
    assert till.owed("M1") == (1500, 1000)
    written = till.write_off("M1", invoice.id)
    assert (written.amount_minor, till.owed("M1"), till.booked("write_off")) == (500, (0, 0), 500)
    club.assert_books()


def test_bil_11_credit_that_came_since_pays_a_debt_whose_write_off_is_taken_back(club: Club, till: Till) -> None:
    invoice = till.invoice("M1", 1000)
    written = till.write_off("M1")
    till.pay("M1", 300)
    till.write_on("M1", written.id)
    assert (till.balance(invoice.id), till.owed("M1"), till.booked("write_off")) == (700, (700, 0), 0)
    club.assert_books()


# Aging


@pytest.mark.parametrize(
    ("days", "bucket"), [(-5, 0), (0, 0), (30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3), (400, 3)]
)
def test_bil_11_the_books_put_a_debt_into_the_bucket_of_its_days_since_it_was_due(
    club: Club, till: Till, days: int, bucket: int
) -> None:
    till.invoice("M1", 1000)
    with club.engine.begin() as connection:
        connection.execute(sa.text("UPDATE invoice SET due_date = due_date - CAST(:days AS int)"), {"days": days})
    expected = [1000 if place == bucket else 0 for place in range(4)]
    with club.units.read(club.context()) as tx:
        assert aging(tx, EVERYTHING, DAY).sums["USD"].buckets == expected
        (account,), _ = aged_accounts(tx, EVERYTHING, DAY, open_page(10, ""))
    assert account.aged.buckets == expected


# What belongs to whom, and what can't be


def test_bil_11_a_write_off_is_taken_back_on_its_own_account_alone(club: Club, till: Till) -> None:
    club.add_account("M2")
    till.invoice("M1", 1000)
    written = till.write_off("M1")
    with pytest.raises(NotFound, match="no movement"):
        till.write_on("M2", written.id)
    assert (till.owed("M1"), till.owed("M2")) == ((0, 0), (0, 0))


def test_bil_11_the_tax_of_a_credit_counts_what_a_waiver_gave_back_before(club: Club, till: Till) -> None:
    fee = till.fee("M1", 1000, 80)
    # Of 7 cents half a cent is tax, of 14 one.
    till.waive("M1", fee.id, 7)
    till.credit("M1", 7, fee.id)
    assert (till.balance(fee.id), till.booked("tax"), till.booked("adjustments")) == (1066, -79, 13)
    club.assert_books()


@pytest.mark.parametrize("amount_minor", [0, -1])
def test_bil_8_a_chargeback_of_nothing_is_refused_and_moves_nothing(club: Club, till: Till, amount_minor: int) -> None:
    payment_id = till.collected()
    taken = till.take_back("M1", payment_id, amount_minor)
    assert (taken.outcome, till.owed("M1")) == (ReturnOutcome.REFUSED, (0, 0))
    assert club.rows("SELECT * FROM movement") == []
