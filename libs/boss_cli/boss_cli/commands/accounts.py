"""`boss accounts`: statements, the age of what is owed, and what was asked for and paid (SPEC BIL-10, BIL-11)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import typer
from boss.billing.v1 import ledger_service_pb2, statement_service_pb2
from google.type import money_pb2
from rich.table import Table

from boss_cli import screen
from boss_cli.commands import account_lists
from boss_cli.days import day_option
from boss_cli.session import session_of
from boss_cli.timeline import all_pages, first_of
from boss_kit.rpc.convert import money_from_proto

AGE_COLUMNS = ("account", "0-30", "31-60", "61-90", "over 90", "owed", "credit")
LINE_COLUMNS = ("day", "what happened", "invoice", "amount", "balance")
PAGE_SIZE_MAX = 1000

app = typer.Typer(no_args_is_help=True, help="What accounts owe and why.")


@app.callback()
def accounts() -> None:
    """What accounts owe and why."""


@app.command()
def statement(
    context: typer.Context,
    account_number: Annotated[str, typer.Argument(help="The club's own number.")],
    first: Annotated[date, day_option("First day.", "--from")],
    last: Annotated[date, day_option("Last day.", "--to")],
) -> None:
    """Show an account's statement: opening balance, lines, closing balance."""
    session = session_of(context)
    request = statement_service_pb2.GetStatementRequest(
        account=session.account(account_number), start_date=screen.to_date(first), end_date=screen.to_date(last)
    )
    found = session.clients.billing.statements.GetStatement(request)
    console = screen.out()
    console.print(
        screen.clean(f"Statement of account {found.account_number or account_number}, {first} to {last}"), style="bold"
    )
    console.print(_statement(found))
    added, taken = _sum(found.lines, below_zero=False), _sum(found.lines, below_zero=True)
    console.print(f"Charged {added}, paid or given {taken}.")


@app.command()
def aging(
    context: typer.Context,
    unit: Annotated[str, typer.Option(help="Only this business unit, by its external id.")] = "",
    as_of: Annotated[date | None, day_option("At the end of this day; else today.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many accounts.")] = 100,
) -> None:
    """Show what was owed at the end of a day, by days since it was due."""
    session = session_of(context)
    ledger, day = session.clients.billing.ledger, screen.to_date(as_of) if as_of else None
    sums = ledger.GetAging(ledger_service_pb2.GetAgingRequest(parent=session.scope(unit), as_of_date=day))
    request = ledger_service_pb2.ListAgedAccountsRequest(
        parent=session.scope(unit), as_of_date=day, page_size=min(limit + 1, PAGE_SIZE_MAX)
    )
    found, is_cut = first_of(all_pages(ledger.ListAgedAccounts, request, "accounts"), limit)
    console = screen.out()
    where = f" in {unit}" if unit else ""
    console.print(
        screen.clean(f"Owed at the end of {screen.day(sums.as_of_date)}{where}, by days since it was due"), style="bold"
    )
    if not found and not sums.sums:
        console.print("Nobody owed anything.")
        return
    table = screen.table(AGE_COLUMNS, ((one.number, *_ages(one.buckets)) for one in found), right=AGE_COLUMNS[1:])
    for buckets in sums.sums:
        table.add_row(f"all, {sums.accounts:,} owing", *_ages(buckets), style="bold")
    console.print(table)
    if is_cut:
        screen.more(limit, "accounts")


app.command()(account_lists.invoices)
app.command()(account_lists.payments)
app.command()(account_lists.movements)


def _statement(found: statement_service_pb2.Statement) -> Table:
    table = screen.table(LINE_COLUMNS, (), right=("amount", "balance"))
    opening, closing = screen.money(found.opening_balance), screen.money(found.closing_balance)
    table.add_row(screen.day(found.start_date), "Opening balance", "", "", opening, style="bold")
    for line in found.lines:
        cells = (line.description, line.invoice_number)
        amounts = (screen.money(line.amount), screen.money(line.balance))
        table.add_row(screen.day(line.line_date), *map(screen.clean, cells), *amounts)
    table.add_row(screen.day(found.end_date), "Closing balance", "", "", closing, style="bold")
    return table


def _sum(lines: Sequence[statement_service_pb2.StatementLine], *, below_zero: bool) -> str:
    """Add up what was added to the balance, or what was taken off it."""
    amounts = [line.amount for line in lines if _is_below_zero(line.amount) is below_zero]
    sums = screen.add_up(amounts).values()
    return ", ".join(str(-one if below_zero else one) for one in sums) or "nothing"


def _is_below_zero(amount: money_pb2.Money) -> bool:
    return money_from_proto(amount).amount_minor < 0


def _ages(buckets: ledger_service_pb2.AgeBuckets) -> tuple[str, ...]:
    ages = (buckets.days_0_30, buckets.days_31_60, buckets.days_61_90, buckets.days_over_90)
    return tuple(screen.short(amount) for amount in (*ages, buckets.total, buckets.credit))
