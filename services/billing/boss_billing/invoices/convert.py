"""Invoices and their lines, from and to protos."""

from typing import Any
from uuid import UUID

from boss.billing.v1 import invoice_service_pb2 as pb

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.commands import CreateInvoice
from boss_billing.invoices.queries import InvoiceView
from boss_billing.invoices.rules import INVOICE_NAME, Invoice, Kind, NewLine
from boss_kit import names
from boss_kit.days import check_year
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import (
    date_to_proto,
    money_from_proto,
    money_to_proto,
    optional_date_from_proto,
    time_to_proto,
)

AGREEMENT_NAME = "enterprises/{e}/businessUnits/{b}/agreements/{g}"
_KINDS = {
    pb.CreateInvoiceRequest.KIND_UNSPECIFIED: Kind.SALE,
    pb.CreateInvoiceRequest.KIND_SALE: Kind.SALE,
    pb.CreateInvoiceRequest.KIND_FEE: Kind.FEE,
}


def agreement_id(name: str, field: str = "agreement") -> UUID | None:
    """Read an agreement's name; none stays none. Raises InvalidArgument."""
    return names.parse(AGREEMENT_NAME, name, field)["g"] if name else None


def invoice_id(account: AccountRef, name: str, field: str = "invoice") -> UUID | None:
    """Read the name of an invoice of an account; none stays none. Raises InvalidArgument."""
    if not name:
        return None
    ids = names.parse(INVOICE_NAME, name, field)
    if AccountRef(ids["e"], ids["b"], ids["a"]) != account:
        raise InvalidArgument.field(field, "must be an invoice of the account itself.")
    return ids["i"]


def create_invoice(request: pb.CreateInvoiceRequest) -> CreateInvoice:
    """Read an invoice to make. Raises InvalidArgument."""
    account = account_ref(request.parent, "parent")
    if request.kind not in _KINDS:
        raise InvalidArgument.field("kind", "must be a sale or a fee.")
    due_date = optional_date_from_proto(request, "due_date")
    return CreateInvoice(
        account,
        agreement_id(request.agreement),
        _KINDS[request.kind],
        check_year(due_date, "due_date") if due_date else None,
        [_new_line(account, line, f"lines[{place}]") for place, line in enumerate(request.lines)],
        {money.currency_code for line in request.lines for money in _monies(line)},
    )


def _monies(line: pb.NewInvoiceLine) -> list[Any]:
    return [line.amount, line.tax] if line.HasField("tax") else [line.amount]


def _new_line(account: AccountRef, line: pb.NewInvoiceLine, field: str) -> NewLine:
    return NewLine(
        line.description,
        line.item_category,
        line.item or line.description,
        money_from_proto(line.amount, f"{field}.amount").amount_minor,
        money_from_proto(line.tax, f"{field}.tax").amount_minor if line.HasField("tax") else 0,
        line.charge_key,
        optional_date_from_proto(line, "period_start_date"),
        optional_date_from_proto(line, "period_end_date"),
        invoice_id(account, line.principal_invoice, f"{field}.principal_invoice"),
    )


def invoice(view: InvoiceView, next_attempt_reason: str = "") -> pb.Invoice:
    """Write an invoice, and why it is tried again on its day."""
    one = view.invoice
    agreement = f"{one.account.unit_name}/agreements/{one.agreement_id}" if one.agreement_id else ""
    return pb.Invoice(
        name=one.name,
        number=one.number,
        agreement=agreement,
        invoice_date=date_to_proto(one.invoice_date),
        due_date=date_to_proto(one.due_date),
        total=money_to_proto(Money(one.total_minor, one.currency)),
        balance=money_to_proto(Money(one.balance_minor, one.currency)),
        lines=[_line(one, line) for line in view.lines],
        failed_attempts=one.failed_attempts,
        next_attempt_date=date_to_proto(one.next_attempt_date if one.balance_minor else None),
        create_time=time_to_proto(view.create_time),
        kind=one.kind,
        attempts=[_attempt(one, row) for row in view.attempts],
        next_attempt_reason=next_attempt_reason,
    )


def _line(of: Invoice, line: Any) -> pb.InvoiceLine:
    principal = line.principal_invoice_id
    return pb.InvoiceLine(
        description=line.description,
        amount=money_to_proto(Money(line.amount_minor, of.currency)),
        tax=money_to_proto(Money(line.tax_minor, of.currency)),
        charge_key=line.charge_key or "",
        period_start_date=date_to_proto(line.period_start_date),
        period_end_date=date_to_proto(line.period_end_date),
        item_category=line.item_category,
        item=line.item,
        principal_invoice=f"{of.account.name}/invoices/{principal}" if principal else "",
    )


def _attempt(invoice: Invoice, row: Any) -> pb.InvoiceAttempt:
    return pb.InvoiceAttempt(
        payment=f"{invoice.account.name}/payments/{row.payment_id}",
        label=row.label,
        attempt_date=date_to_proto(row.business_date),
        tender=row.tender,
        amount=money_to_proto(Money(row.amount_minor, row.currency)),
        state=row.state,
        response_code=row.response_code,
        response_message=row.response_message,
    )
