"""`boss debtors`: who owes (SPEC COL-1)."""

from datetime import date
from typing import Annotated

import typer
from boss.collections.v1 import collections_service_pb2 as pb
from google.type import money_pb2

from boss_cli import screen
from boss_cli.days import day_option
from boss_cli.session import session_of
from boss_cli.timeline import all_pages, first_of
from boss_kit.money import parse_money
from boss_kit.rpc.convert import money_to_proto

COLUMNS = ("account", "name", "balance", "days past due", "stage", "in ARM", "open invoices")
PAGE_SIZE_MAX = 1000


def debtors(
    context: typer.Context,
    unit: Annotated[str, typer.Option(help="Only this business unit, by its external id.")] = "",
    as_of: Annotated[date | None, day_option("As of this day; else today.")] = None,
    days_min: Annotated[int, typer.Option(min=0, help="At least this many days past due.")] = 0,
    days_max: Annotated[int | None, typer.Option(min=0, help="At most this many days past due.")] = None,
    balance_min: Annotated[str, typer.Option(help="Owing at least this, such as 59.00.")] = "",
    balance_max: Annotated[str, typer.Option(help="Owing at most this.")] = "",
    currency: Annotated[str, typer.Option(help="Of the balances asked for.")] = "USD",
    stage: Annotated[str, typer.Option(help="Not Set, Pending or Sent.")] = "",
    in_arm: Annotated[bool | None, typer.Option("--in-arm/--not-in-arm", help="Only those who are, or aren't.")] = None,
    status: Annotated[str, typer.Option(help="Only with an agreement in this status.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
) -> None:
    """List who owes, the greatest balance first."""
    session = session_of(context)
    request = pb.ListDebtorsRequest(
        parent=session.scope(unit),
        as_of_date=screen.to_date(as_of) if as_of else None,
        days_past_due_min=days_min,
        days_past_due_max=days_max,
        balance_min=_amount(balance_min, currency, "--balance-min"),
        balance_max=_amount(balance_max, currency, "--balance-max"),
        stage=stage,
        in_arm=in_arm,
        agreement_status=status,
        page_size=min(limit + 1, PAGE_SIZE_MAX),
    )
    owing = all_pages(session.clients.collections.collections.ListDebtors, request, "debtors")
    found, is_cut = first_of(owing, limit)
    rows = [_row(debtor) for debtor in found]
    screen.out().print(
        screen.table(COLUMNS, rows, right=("balance", "days past due")) if rows else "Nobody owes what was asked for."
    )
    if is_cut:
        screen.more(limit, "debtors")


def _amount(text: str, currency: str, option: str) -> money_pb2.Money | None:
    return money_to_proto(parse_money(text, currency, option)) if text else None


def _row(debtor: pb.Debtor) -> tuple[object, ...]:
    invoices = ", ".join(f"{invoice.number} {screen.money(invoice.balance)}" for invoice in debtor.open_invoices)
    return (
        debtor.number,
        debtor.display_name,
        screen.money(debtor.balance),
        debtor.days_past_due,
        debtor.stage,
        screen.yes_no(value=debtor.in_arm),
        invoices,
    )
