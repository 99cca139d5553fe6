"""`boss accounts`, against a billing that stands in."""

from typing import Any

from boss.billing.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    invoice_service_pb2,
    invoice_service_pb2_grpc,
    ledger_service_pb2,
    ledger_service_pb2_grpc,
    movement_service_pb2,
    movement_service_pb2_grpc,
    payment_service_pb2,
    payment_service_pb2_grpc,
    statement_service_pb2,
    statement_service_pb2_grpc,
)
from google.type import date_pb2, money_pb2
from stand_ins import Cli, stand_in

DAY = date_pb2.Date(year=2026, month=3, day=10)


def usd(units: int) -> money_pb2.Money:
    return money_pb2.Money(currency_code="USD", units=units)


def test_bil_10_a_statement_is_shown_from_opening_to_closing(cli: Cli) -> None:
    asked: list[Any] = []
    line = statement_service_pb2.StatementLine(
        line_date=DAY, description="Payment in cash, thank you", amount=usd(-35), balance=usd(24)
    )

    def told(request: Any) -> Any:
        asked.append(statement_service_pb2.GetStatementRequest.FromString(request.SerializeToString()))
        return statement_service_pb2.Statement(
            start_date=DAY, end_date=DAY, opening_balance=usd(59), lines=[line], closing_balance=usd(24)
        )

    def found(request: Any) -> Any:
        return account_service_pb2.ListAccountsResponse(accounts=[account_service_pb2.Account(name=request.number)])

    cli.add(
        "billing",
        stand_in(account_service_pb2_grpc, "AccountService", ListAccounts=found),
        stand_in(statement_service_pb2_grpc, "StatementService", GetStatement=told),
    )
    result = cli.run("accounts", "statement", "M1", "--from", "2026-03-10", "--to", "2026-03-10")
    assert result.exit_code == 0, result.output
    texts = ("Opening balance", "59.00 USD", "Payment in cash, thank you", "-35.00 USD", "Closing balance")
    assert all(text in result.stdout for text in texts)
    assert "Charged nothing, paid or given 35.00 USD." in result.stdout
    assert (asked[0].account, asked[0].start_date, asked[0].end_date) == ("M1", DAY, DAY)


def test_bil_11_aging_is_shown_by_account_and_summed(cli: Cli) -> None:
    buckets = ledger_service_pb2.AgeBuckets(days_31_60=usd(59), total=usd(59), credit=usd(0))
    one = ledger_service_pb2.AgedAccount(number="M1", buckets=buckets)

    def listed(request: Any) -> Any:
        return ledger_service_pb2.ListAgedAccountsResponse(accounts=[one] * 2 if request.as_of_date.year else [])

    def summed(request: Any) -> Any:
        return ledger_service_pb2.Aging(sums=[buckets] if request.as_of_date.year else [], as_of_date=DAY, accounts=2)

    cli.add("billing", stand_in(ledger_service_pb2_grpc, "LedgerService", ListAgedAccounts=listed, GetAging=summed))
    title = "Owed at the end of 2026-03-10, by days since it was due"
    result = cli.run("accounts", "aging", "--as-of", "2026-03-10")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["Owed", "account", "M1", "M1", "all,"]
    assert result.stdout.splitlines()[0] == title
    last = " ".join(result.stdout.splitlines()[4].split())
    assert last == "all, 2 owing - 59.00 USD - - 59.00 USD -"
    cut = cli.run("accounts", "aging", "--as-of", "2026-03-10", "--limit", "1")
    assert cut.stdout.endswith("More accounts exist: these are the first 1; --limit shows more.\n")
    assert cli.run("accounts", "aging").stdout == f"{title}\nNobody owed anything.\n"


def known_account() -> Any:
    def found(request: Any) -> Any:
        return account_service_pb2.ListAccountsResponse(accounts=[account_service_pb2.Account(name="a/accounts/1")])

    return stand_in(account_service_pb2_grpc, "AccountService", ListAccounts=found)


def known_invoices(asked: list[Any]) -> Any:
    def listed(request: Any) -> Any:
        asked.append((request.parent, request.open_only))
        one = invoice_service_pb2.Invoice(
            name="a/accounts/1/invoices/1", number="M1-1", kind="billed", invoice_date=DAY, due_date=DAY,
            total=usd(59), balance=usd(24), failed_attempts=1,
        )  # fmt: skip
        paid = invoice_service_pb2.Invoice(
            name="a/accounts/1/invoices/2", number="M1-2", kind="fee", total=usd(5), balance=usd(0)
        )
        return invoice_service_pb2.ListInvoicesResponse(invoices=[one, paid])

    return stand_in(invoice_service_pb2_grpc, "InvoiceService", ListInvoices=listed)


def words(output: str) -> list[str]:
    return [" ".join(line.split()) for line in output.splitlines()]


def test_bil_11_the_invoices_of_an_account_are_listed_and_added_up(cli: Cli) -> None:
    asked: list[Any] = []
    cli.add("billing", known_account(), known_invoices(asked))
    result = cli.run("accounts", "invoices", "M1", "--open")
    assert result.exit_code == 0, result.output
    assert words(result.stdout)[1:] == [
        "M1-1 billed 2026-03-10 2026-03-10 59.00 USD 24.00 USD 1",
        "M1-2 fee 5.00 USD -",
        "2 in all 64.00 USD 24.00 USD",
    ]
    assert asked == [("a/accounts/1", True)]
    assert "More invoices exist" in cli.run("accounts", "invoices", "M1", "--limit", "1").stdout


def test_bil_12_the_payments_of_an_account_are_listed_with_their_invoices(cli: Cli) -> None:
    declined = payment_service_pb2.Payment(
        kind="New", tender="VISA", amount=usd(59), state=payment_service_pb2.Payment.STATE_FINALLY_DECLINED,
        payment_date=DAY, batch_number=7, invoice="a/accounts/1/invoices/1", response_code="D03",
        response_message="Insufficient funds", next_attempt_date=DAY, account_number="M1",
    )  # fmt: skip
    desk = payment_service_pb2.Payment(
        kind="Point of Sale", tender="CASH", amount=usd(35), state=payment_service_pb2.Payment.STATE_APPROVED
    )
    found = payment_service_pb2.ListPaymentsResponse(payments=[declined, desk])
    cli.add(
        "billing",
        known_account(),
        known_invoices([]),
        stand_in(payment_service_pb2_grpc, "PaymentService", ListPayments=lambda _: found),
    )
    result = cli.run("accounts", "payments", "M1")
    assert result.exit_code == 0, result.output
    assert words(result.stdout)[1:] == [
        "M1 2026-03-10 New VISA 59.00 USD declined 7 M1-1 D03 Insufficient funds 2026-03-10",
        "Point of Sale CASH 35.00 USD approved",
        "1 approved 35.00 USD",
    ]


def test_bil_11_the_movements_of_an_account_name_their_invoices(cli: Cli) -> None:
    one = movement_service_pb2.Movement(
        kind="chargeback", amount=usd(59), reason="disputed", invoice="a/accounts/1/invoices/1", movement_date=DAY,
        entered_by="olga@example.com", account_number="M1",
    )  # fmt: skip
    answers = [
        movement_service_pb2.ListMovementsResponse(movements=[one]),
        movement_service_pb2.ListMovementsResponse(),
    ]
    cli.add(
        "billing",
        known_account(),
        known_invoices([]),
        stand_in(movement_service_pb2_grpc, "MovementService", ListMovements=lambda _: answers.pop(0)),
    )
    result = cli.run("accounts", "movements", "M1")
    assert result.exit_code == 0, result.output
    assert words(result.stdout)[1:] == ["M1 2026-03-10 chargeback 59.00 USD M1-1 disputed olga@example.com"]
    assert cli.run("accounts", "movements", "M1").stdout == "There is no movement.\n"
