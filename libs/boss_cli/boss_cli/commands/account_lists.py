"""`boss accounts invoices|payments|movements`: what an account was asked for, paid, and was given (SPEC BIL-11)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from boss.billing.v1 import invoice_service_pb2, movement_service_pb2, payment_service_pb2
from google.type import money_pb2
from rich.table import Table

from boss_cli import screen
from boss_cli.session import Session, session_of
from boss_cli.timeline import all_pages, first_of

PAGE_SIZE_MAX = 1000
INVOICE_COLUMNS = ("invoice", "kind", "made", "due", "total", "owed", "failed", "next attempt")
PAYMENT_COLUMNS = (
    "account", "day", "kind", "tender", "amount", "result", "batch", "invoice", "response", "next attempt",
)  # fmt: skip
MOVEMENT_COLUMNS = ("account", "day", "kind", "amount", "invoice", "reason", "entered by", "approved by")
Payment = payment_service_pb2.Payment
STATES = {
    Payment.STATE_CREATED: "not sent yet",
    Payment.STATE_PENDING: "no answer yet",
    Payment.STATE_UNKNOWN: "unknown",
    Payment.STATE_APPROVED: "approved",
    Payment.STATE_DECLINED: "declined, may be cured",
    Payment.STATE_FINALLY_DECLINED: "declined",
    Payment.STATE_NOT_ATTEMPTED: "never tried",
}

Number = Annotated[str, typer.Argument(help="The account's number.")]
Limit = Annotated[int, typer.Option(min=1, help="At most this many.")]


def invoices(
    context: typer.Context,
    account_number: Number,
    limit: Limit = 100,
    *,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is still owed.")] = False,
) -> None:
    """List what was asked for, by number."""
    session = session_of(context)
    request = invoice_service_pb2.ListInvoicesRequest(parent=session.account(account_number), open_only=open_only)
    found, is_cut = _first(session.clients.billing.invoices.ListInvoices, request, "invoices", limit)
    rows = [
        (
            one.number,
            one.kind,
            screen.day(one.invoice_date),
            screen.day(one.due_date),
            screen.money(one.total),
            screen.short(one.balance),
            one.failed_attempts or "",
            screen.day(one.next_attempt_date),
        )
        for one in found
    ]
    table = screen.table(INVOICE_COLUMNS, rows, right=("total", "owed", "failed"))
    total, owed = _sum(one.total for one in found), _sum(one.balance for one in found)
    if found:
        table.add_row(f"{len(found):,} in all", "", "", "", total, owed, style="bold")
    _show(table, "There is no invoice.", limit, "invoices", is_cut=is_cut)


def payments(context: typer.Context, account_number: Number, limit: Limit = 100) -> None:
    """List what was paid, or tried, by day."""
    session = session_of(context)
    request = payment_service_pb2.ListPaymentsRequest(parent=session.account(account_number))
    found, is_cut = _first(session.clients.billing.payments.ListPayments, request, "payments", limit)
    numbers = _invoice_numbers(session, request.parent) if found else {}
    rows = [
        (
            one.account_number,
            screen.day(one.payment_date),
            one.kind,
            one.tender,
            screen.money(one.amount),
            STATES.get(one.state, "") + (" by retry" if one.recovered_by_card_updater else ""),
            one.batch_number or "",
            numbers.get(one.invoice, ""),
            f"{one.response_code} {one.response_message}".strip(),
            screen.day(one.next_attempt_date),
        )
        for one in found
    ]
    table = screen.table(PAYMENT_COLUMNS, rows, right=("amount", "batch"))
    approved = [one for one in found if one.state == Payment.STATE_APPROVED]
    if approved:
        table.add_row(f"{len(approved):,} approved", "", "", "", _sum(one.amount for one in approved), style="bold")
    _show(table, "There is no payment.", limit, "payments", is_cut=is_cut)


def movements(context: typer.Context, account_number: Number, limit: Limit = 100) -> None:
    """List credits, debits, refunds, write-offs, chargebacks and other movements, by day."""
    session = session_of(context)
    request = movement_service_pb2.ListMovementsRequest(parent=session.account(account_number))
    found, is_cut = _first(session.clients.billing.movements.ListMovements, request, "movements", limit)
    numbers = _invoice_numbers(session, request.parent) if found else {}
    rows = [
        (
            one.account_number,
            screen.day(one.movement_date),
            one.kind,
            screen.money(one.amount),
            numbers.get(one.invoice, ""),
            one.reason,
            one.entered_by,
            one.approved_by,
        )
        for one in found
    ]
    table = screen.table(MOVEMENT_COLUMNS, rows, right=("amount",))
    _show(table, "There is no movement.", limit, "movements", is_cut=is_cut)


def _first(method: Any, request: Any, field: str, limit: int) -> tuple[Sequence[Any], bool]:
    """Read the first of a list, and whether there are more."""
    request.page_size = min(limit + 1, PAGE_SIZE_MAX)
    return first_of(all_pages(method, request, field), limit)


def _invoice_numbers(session: Session, account: str) -> Mapping[str, str]:
    request = invoice_service_pb2.ListInvoicesRequest(parent=account, page_size=PAGE_SIZE_MAX)
    found = all_pages(session.clients.billing.invoices.ListInvoices, request, "invoices")
    return {one.name: one.number for one in found}


def _sum(amounts: Iterable[money_pb2.Money]) -> str:
    """Add amounts up; an account has one currency."""
    return ", ".join(map(str, screen.add_up(amounts).values()))


def _show(table: Table, nothing: str, limit: int, what: str, *, is_cut: bool) -> None:
    screen.out().print(table if table.row_count else nothing)
    if is_cut:
        screen.more(limit, what)
