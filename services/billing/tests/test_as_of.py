"""What was owed at the end of any day, by age; statements (SPEC BIL-10, BIL-11)."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from boss.billing.v1 import ledger_service_pb2 as ledger_pb
from boss.billing.v1 import ledger_service_pb2_grpc as ledger_grpc
from boss.billing.v1 import statement_service_pb2 as statement_pb
from boss.billing.v1 import statement_service_pb2_grpc as statement_grpc
from club import DAY, ENTERPRISE_ID, Club, due, ref, usd
from till import Till

from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.ledger.aging import bucket_of
from boss_billing.ledger.as_of import aging
from boss_billing.refunds.rules import Destination
from boss_billing.statements.queries import get_statement
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.rpc.convert import date_to_proto

PARENT = f"enterprises/{ENTERPRISE_ID}"


def after(days: int) -> date:
    return DAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "bucket"), [(-5, 0), (0, 0), (30, 0), (31, 1), (60, 1), (61, 2), (90, 2), (91, 3), (400, 3)]
)
def test_bil_11_a_debt_ages_by_the_days_since_it_was_due(days: int, bucket: int) -> None:
    assert bucket_of(DAY, after(days)) == bucket


def aged(club: Club, day: date) -> list[int]:
    with club.units.read(club.context()) as tx:
        found = aging(tx, InvoiceScope(ENTERPRISE_ID), day).sums.get("USD")
    return [*found.buckets, found.credit_minor] if found else [0, 0, 0, 0, 0]


def test_bil_10_a_past_day_keeps_its_balance_and_age_whatever_happens_later(club: Club) -> None:
    club.add_account("M1")
    till = Till(club)
    till.invoice("M1", 5000)
    club.set_clock(after(45))
    till.invoice("M1", 2000)
    club.set_clock(after(100))
    till.pay("M1", 6500)
    till.write_off("M1")
    till.pay("M1", 300)
    assert aged(club, after(-1)) == [0, 0, 0, 0, 0]
    assert aged(club, after(30)) == [5000, 0, 0, 0, 0]
    assert aged(club, after(61)) == [2000, 0, 5000, 0, 0]
    assert aged(club, after(99)) == [0, 2000, 0, 5000, 0]
    assert aged(club, after(100)) == [0, 0, 0, 0, 300]
    club.assert_books()


def test_bil_11_aging_is_listed_by_account_in_pages_over_the_api(club: Club, server: Any) -> None:
    till = Till(club)
    for place, number in enumerate(("M1", "M2", "M3"), 1):
        club.add_account(number)
        till.invoice(number, 1000 * place)
    till.pay("M3", 3500)
    club.set_clock(after(40))
    books = server.stub(ledger_grpc.LedgerServiceStub)
    summed = books.GetAging(ledger_pb.GetAgingRequest(parent=PARENT), timeout=10)
    (sums,) = summed.sums
    assert (summed.accounts, sums.days_31_60, sums.days_0_30, sums.total, sums.credit) == (
        2,
        usd(3000),
        usd(0),
        usd(3000),
        usd(500),
    )
    found: dict[str, Any] = {}
    token = ""
    while True:
        request = ledger_pb.ListAgedAccountsRequest(
            parent=PARENT, as_of_date=date_to_proto(after(1)), page_size=2, page_token=token
        )
        page = books.ListAgedAccounts(request, timeout=10)
        found |= {one.number: one for one in page.accounts}
        token = page.next_page_token
        if not token:
            break
    assert {number: one.balance for number, one in found.items()} == {
        "M1": usd(1000),
        "M2": usd(2000),
        "M3": usd(-500),
    }
    assert found["M2"].buckets.days_0_30 == usd(2000)
    own = books.GetAging(ledger_pb.GetAgingRequest(parent=ref("M1").name), timeout=10)
    assert own.sums[0].total == usd(1000)


def told(statement: Any) -> Mapping[str, Any]:
    return {
        "opening": statement.opening_minor,
        "lines": [(line.text, line.amount_minor, line.balance_minor) for line in statement.lines],
        "closing": statement.closing_minor,
    }


def test_bil_10_a_statement_tells_opening_lines_and_closing(club: Club) -> None:
    club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    till = Till(club)
    club.set_clock(after(1))
    club.due.charges = [due("M1", club.day)]
    club.play(club.day)
    club.set_clock(after(2))
    invoice = till.invoice("M1", 10_000, 800)
    till.pay("M1", 5000, invoice.id)
    till.credit("M1", 1000, invoice.id)
    fee = till.fee("M1", 500)
    till.waive("M1", fee.id)
    club.set_clock(after(3))
    till.write_off("M1")
    with club.units.read(club.context()) as tx:
        found = told(get_statement(tx, ref("M1"), after(2), after(3)))
        whole = told(get_statement(tx, ref("M1"), DAY, after(3)))
    assert found == {
        "opening": 2000,
        "lines": [
            ("Invoice M1-3: Tour pack", 10_800, 12_800),
            ("Payment in cash, thank you", -5000, 7800),
            ("Credit: goodwill", -1000, 6800),
            ("Invoice M1-4: Tour pack", 500, 7300),
            ("Fee waived: first time", -500, 6800),
            ("Written off: moved away", -6800, 0),
        ],
        "closing": 0,
    }
    assert [line[0] for line in whole["lines"]][:3] == [
        "Opening balance, invoice M1-1",
        "Invoice M1-2: Gold Monthly",
        "Payment by VISA, thank you",
    ]


def test_bil_10_a_refund_that_does_not_go_through_stands_on_the_statement_as_credit_again(club: Club) -> None:
    club.add_account("M1")
    till = Till(club)
    club.due.charges = [due("M1")]
    club.play(DAY)
    till.returned("M1", 3500, to=Destination.FUNDING_SOURCE)
    till.answer(club.one("SELECT id FROM refund"), "E04")
    with club.units.read(club.context()) as tx:
        found = told(get_statement(tx, ref("M1"), DAY, DAY))
    assert found["lines"][2:] == [("Return: unused", -3500, -3500)]
    assert found["closing"] == -3500


@pytest.mark.parametrize(
    ("kind", "gone", "come"),
    [
        (
            ReturnKind.CHARGEBACK,
            "Chargeback of the payment by VISA",
            "Chargeback of the payment by VISA was taken back",
        ),
        (
            ReturnKind.RETURN,
            "Payment by VISA was returned by the bank",
            "Returned payment by VISA was paid again",
        ),
    ],
)
def test_bil_11_a_statement_calls_a_chargeback_so_and_a_banks_return_so(
    club: Club, kind: ReturnKind, gone: str, come: str
) -> None:
    club.add_account("M1")
    till = Till(club)
    payment_id = till.collected()
    till.take_back("M1", payment_id, 3500, kind)
    till.take_back("M1", payment_id, 3500, ReturnKind.REVERSAL, "r2")
    with club.units.read(club.context()) as tx:
        statement = get_statement(tx, ref("M1"), DAY, DAY)
    assert [(line.text, line.amount_minor, line.invoice_number) for line in statement.lines[2:]] == [
        (gone, 3500, "M1-1"),
        (come, -3500, "M1-1"),
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ReturnKind.CHARGEBACK, "Chargeback of the payment by check"),
        (ReturnKind.RETURN, "Payment by check was returned by the bank"),
    ],
)
def test_bil_11_what_is_taken_back_of_spent_credit_is_one_line_of_a_statement(
    club: Club, kind: ReturnKind, text: str
) -> None:
    club.add_account("M1")
    till = Till(club)
    payment_id = till.pay("M1", 5000, tender="CHECK")
    till.invoice("M1", 3000)
    till.take_back("M1", payment_id, 5000, kind)
    with club.units.read(club.context()) as tx:
        found = told(get_statement(tx, ref("M1"), DAY, DAY))
    assert found["lines"][-1] == (text, 5000, 3000)


def test_a_statement_of_a_span_or_account_that_cannot_be_is_refused(club: Club, server: Any) -> None:
    account = club.add_account("M1", past_due_balance="20.00", oldest_due_date="2025-11-01")
    statements = server.stub(statement_grpc.StatementServiceStub)

    def get(first: date, last: date, name: str = account.name) -> Any:
        request = statement_pb.GetStatementRequest(
            account=name, start_date=date_to_proto(first), end_date=date_to_proto(last)
        )
        return statements.GetStatement(request, timeout=10)

    found = get(DAY, DAY)
    assert (found.account_number, found.lines[0].amount, found.closing_balance) == ("M1", usd(2000), usd(2000))
    with pytest.raises(InvalidArgument, match="before the start"):
        get(DAY, after(-1))
    with pytest.raises(InvalidArgument, match="within 400 days"):
        get(DAY, after(400))
    with pytest.raises(NotFound):
        get(DAY, DAY, ref("M404").name)
