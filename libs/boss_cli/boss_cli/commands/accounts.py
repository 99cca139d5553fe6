"""`boss accounts`: statements, and how old what is owed is (SPEC BIL-10, BIL-11)."""

from datetime import datetime
from itertools import islice
from typing import Annotated

import typer
from boss.billing.v1 import ledger_service_pb2, statement_service_pb2

from boss_cli import screen
from boss_cli.session import session_of
from boss_cli.timeline import all_pages

AGE_COLUMNS = ("account", "0-30", "31-60", "61-90", "over 90", "owed", "credit")
LINE_COLUMNS = ("day", "what happened", "amount", "balance")
PAGE_SIZE_MAX = 1000

app = typer.Typer(no_args_is_help=True, help="What accounts owe and why.")


@app.callback()
def accounts() -> None:
    """What accounts owe and why."""


@app.command()
def statement(
    context: typer.Context,
    account_number: Annotated[str, typer.Argument(help="The club's own number.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
) -> None:
    """Show an account's statement: opening balance, lines, closing balance."""
    session = session_of(context)
    request = statement_service_pb2.GetStatementRequest(
        account=session.account(account_number), start_date=screen.to_date(first), end_date=screen.to_date(last)
    )
    found = session.clients.billing.statements.GetStatement(request)
    rows = [(screen.day(found.start_date), "Opening balance", "", screen.money(found.opening_balance))]
    rows += [
        (screen.day(line.line_date), line.description, screen.money(line.amount), screen.money(line.balance))
        for line in found.lines
    ]
    rows.append((screen.day(found.end_date), "Closing balance", "", screen.money(found.closing_balance)))
    screen.out().print(screen.table(LINE_COLUMNS, rows, right=("amount", "balance")))


@app.command()
def aging(
    context: typer.Context,
    unit: Annotated[str, typer.Option(help="Only this business unit, by its external id.")] = "",
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="At the end of this day; else today.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many accounts.")] = 100,
) -> None:
    """Show what was owed at the end of a day, by days since it was due."""
    session = session_of(context)
    request = ledger_service_pb2.ListAgedAccountsRequest(
        parent=session.scope(unit),
        as_of_date=screen.to_date(as_of) if as_of else None,
        page_size=min(limit, PAGE_SIZE_MAX),
    )
    found = islice(all_pages(session.clients.billing.ledger.ListAgedAccounts, request, "accounts"), limit)
    rows = [(one.number, *_ages(one.buckets)) for one in found]
    sums = session.clients.billing.ledger.GetAging(
        ledger_service_pb2.GetAgingRequest(parent=request.parent, as_of_date=request.as_of_date if as_of else None)
    )
    rows += [("all", *_ages(buckets)) for buckets in sums.sums]
    if rows:
        screen.out().print(screen.table(AGE_COLUMNS, rows, right=AGE_COLUMNS[1:]))
    else:
        screen.out().print("Nobody owed anything.")


def _ages(buckets: ledger_service_pb2.AgeBuckets) -> tuple[str, ...]:
    ages = (buckets.days_0_30, buckets.days_31_60, buckets.days_61_90, buckets.days_over_90)
    return tuple(screen.money(amount) for amount in (*ages, buckets.total, buckets.credit))
