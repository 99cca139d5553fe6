"""InvoiceService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import invoice_service_pb2 as pb
from boss.billing.v1 import invoice_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rpc import scope
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices import queries
from boss_billing.invoices.queries import InvoiceScope, InvoiceView
from boss_billing.invoices.rules import INVOICE_NAME
from boss_kit import names
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, money_to_proto, time_to_proto
from boss_kit.rpc.door import Door


class InvoiceServicer(invoice_service_pb2_grpc.InvoiceServiceServicer):
    """What accounts were asked to pay."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetInvoice(self, request: pb.GetInvoiceRequest, context: grpc.ServicerContext) -> pb.Invoice:
        """Read an invoice."""
        ids = names.parse(INVOICE_NAME, request.name)
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        return self._door.query(request, lambda tx: _invoice(queries.get_invoice(tx, ref, ids["i"])))

    def ListInvoices(self, request: pb.ListInvoicesRequest, context: grpc.ServicerContext) -> pb.ListInvoicesResponse:
        """List invoices by number."""
        where = _scope(request.parent)
        page = open_page(request.page_size, request.page_token, filters=(request.parent, request.open_only))

        def answer(tx: Any) -> pb.ListInvoicesResponse:
            found, token = queries.list_invoices(tx, where, page, open_only=request.open_only)
            return pb.ListInvoicesResponse(invoices=[_invoice(one) for one in found], next_page_token=token)

        return self._door.query(request, answer)


def _scope(parent: str) -> InvoiceScope:
    if "/accounts/" in parent:
        ref = account_ref(parent, "parent")
        return InvoiceScope(ref.enterprise_id, ref.business_unit_id, ref.id)
    return InvoiceScope(*scope(parent))


def _invoice(view: InvoiceView) -> pb.Invoice:
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
        lines=[_line(line, one.currency) for line in view.lines],
        failed_attempts=one.failed_attempts,
        next_attempt_date=date_to_proto(one.next_attempt_date if one.balance_minor else None),
        create_time=time_to_proto(view.create_time),
    )


def _line(line: Any, currency: str) -> pb.InvoiceLine:
    return pb.InvoiceLine(
        description=line.description,
        amount=money_to_proto(Money(line.amount_minor, currency)),
        tax=money_to_proto(Money(line.tax_minor, currency)),
        charge_key=line.charge_key or "",
        period_start_date=date_to_proto(line.period_start_date),
        period_end_date=date_to_proto(line.period_end_date),
    )
