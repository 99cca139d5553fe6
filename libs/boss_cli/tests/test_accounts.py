"""`boss accounts`, against a billing that stands in."""

from typing import Any

from boss.billing.v1 import (
    account_service_pb2,
    account_service_pb2_grpc,
    ledger_service_pb2,
    ledger_service_pb2_grpc,
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
    assert (asked[0].account, asked[0].start_date, asked[0].end_date) == ("M1", DAY, DAY)


def test_bil_11_aging_is_shown_by_account_and_summed(cli: Cli) -> None:
    buckets = ledger_service_pb2.AgeBuckets(days_31_60=usd(59), total=usd(59), credit=usd(0))
    one = ledger_service_pb2.AgedAccount(number="M1", buckets=buckets)

    def listed(request: Any) -> Any:
        return ledger_service_pb2.ListAgedAccountsResponse(accounts=[one] if request.as_of_date.year else [])

    def summed(request: Any) -> Any:
        return ledger_service_pb2.Aging(sums=[buckets] if request.as_of_date.year else [])

    cli.add("billing", stand_in(ledger_service_pb2_grpc, "LedgerService", ListAgedAccounts=listed, GetAging=summed))
    result = cli.run("accounts", "aging", "--as-of", "2026-03-10")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["account", "M1", "all"]
    assert cli.run("accounts", "aging").stdout == "Nobody owed anything.\n"
