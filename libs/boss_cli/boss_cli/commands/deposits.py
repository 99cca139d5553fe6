"""`boss deposits`: what reached the bank (SPEC BIL-9)."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from boss.billing.v1 import deposit_service_pb2 as pb

from boss_cli import screen
from boss_cli.days import day_option
from boss_cli.failures import BossCommandError
from boss_cli.session import request_id, session_of
from boss_cli.timeline import all_pages, first_of
from boss_kit.money import Money, parse_money
from boss_kit.rpc.convert import money_from_proto, money_to_proto

app = typer.Typer(no_args_is_help=True, help="Deposits: import a statement file, list what reached the bank.")
PAGE_SIZE_MAX = 1000
COLUMNS = ("date", "batch", "label", "tender", "amount", "fee", "statement", "source")


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The statement: CSV with a named header.")],
    source: Annotated[str, typer.Option(help="Who wrote it: says which column holds what.")] = "standard",
    unit: Annotated[str, typer.Option(help="The one business unit it is of, by its external id.")] = "",
    lines: Annotated[int | None, typer.Option(min=0, help="How many deposits its sender says it has.")] = None,
    total: Annotated[str, typer.Option(help="What its sender says they come to, such as 652.50.")] = "",
    currency: Annotated[str, typer.Option(help="Of the total.")] = "USD",
    *,
    check: Annotated[bool, typer.Option("--check", help="Only say what would become of it.")] = False,
) -> None:
    """Take a statement file, whole or not at all; the same file twice is once."""
    session = session_of(context)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BossCommandError(f"{file} can't be read: {error.strerror}.") from None
    request = pb.ImportDepositsRequest(
        parent=session.scope(unit),
        source=source,
        file_name=file.name,
        content=content,
        line_count=lines,
        total=money_to_proto(parse_money(total, currency, "--total")) if total else None,
        validate_only=check,
        request_id=request_id(),
    )
    answer = session.clients.billing.deposits.ImportDeposits(request)
    statement = answer.statement
    if answer.already_there:
        screen.out().print(f"{file.name} was taken before, as {statement.file_name}: nothing is new.")
        return
    verb = "would be" if check else "were"
    screen.out().print(
        f"{answer.new_deposits:,} of {statement.lines:,} deposits {verb} taken: "
        f"{screen.money(statement.gross)}, fees {screen.money(statement.fee)}."
    )


@app.command("list")
def list_deposits(
    context: typer.Context,
    first: Annotated[date | None, day_option("First day.", "--from")] = None,
    last: Annotated[date | None, day_option("Last day.", "--to")] = None,
    unit: Annotated[str, typer.Option(help="Only this business unit, by its external id.")] = "",
    batch: Annotated[int, typer.Option(min=0, help="Only of this batch.")] = 0,
    statement: Annotated[str, typer.Option(help="Only of this statement, as its source calls it.")] = "",
    source: Annotated[str, typer.Option(help="Only of this source.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 100,
) -> None:
    """List what reached the bank, by day."""
    session = session_of(context)
    request = pb.ListDepositsRequest(
        parent=session.scope(unit),
        start_date=screen.to_date(first) if first else None,
        end_date=screen.to_date(last) if last else None,
        batch_number=batch,
        statement=statement,
        source=source,
        page_size=min(limit + 1, PAGE_SIZE_MAX),
    )
    found, is_cut = first_of(all_pages(session.clients.billing.deposits.ListDeposits, request, "deposits"), limit)
    rows = [
        (
            screen.day(one.deposit_date),
            one.batch_number or "",
            one.label,
            one.tender,
            screen.money(one.gross),
            screen.money(one.fee),
            one.statement,
            one.source,
        )
        for one in found
    ]
    table = screen.table(COLUMNS, rows, right=("batch", "amount", "fee"))
    screen.out().print(screen.clean(f"Deposits{_of(first, last, batch, statement, source)}"), style="bold")
    screen.out().print(table if rows else "Nothing reached the bank.")
    for one in sorted({deposit.gross.currency_code for deposit in found}):
        mine = [deposit for deposit in found if deposit.gross.currency_code == one]
        screen.out().print(f"{'Shown: ' if is_cut else ''}{_sum(mine, one)}")
    if is_cut:
        screen.more(limit, "deposits")


def _of(first: date | None, last: date | None, batch: int, statement: str, source: str) -> str:
    """Say which deposits are listed."""
    named = {
        "of batch": str(batch or ""),
        "on statement": statement,
        "by": source,
        "from": str(first or ""),
        "to": str(last or ""),
    }
    return "".join(f" {word} {value}" for word, value in named.items() if value)


def _sum(deposits: Sequence[pb.Deposit], currency: str) -> str:
    """Say what deposits of one currency come to: the bank has it without the fees."""
    gross = sum(money_from_proto(one.gross).amount_minor for one in deposits)
    fees = sum(money_from_proto(one.fee).amount_minor for one in deposits)
    batches = len({one.batch_number for one in deposits})
    return (
        f"{Money(gross, currency)}, less fees of {Money(fees, currency)}, is {Money(gross - fees, currency)} "
        f"in the bank (deposits: {len(deposits):,}, batches: {batches:,})."
    )
