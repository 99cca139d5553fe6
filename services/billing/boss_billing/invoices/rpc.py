"""InvoiceService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import invoice_service_pb2 as pb
from boss.billing.v1 import invoice_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rpc import scope
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices import commands, convert, queries
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.invoices.rules import INVOICE_NAME
from boss_billing.rebills.queries import explain_invoice
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door


class InvoiceServicer(invoice_service_pb2_grpc.InvoiceServiceServicer):
    """What accounts were asked to pay."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def GetInvoice(self, request: pb.GetInvoiceRequest, context: grpc.ServicerContext) -> pb.Invoice:
        """Read an invoice."""
        ids = names.parse(INVOICE_NAME, request.name)
        ref = AccountRef(ids["e"], ids["b"], ids["a"])

        def answer(tx: Any) -> pb.Invoice:
            view = queries.get_invoice(tx, ref, ids["i"])
            day, reason = explain_invoice(tx, view.invoice)
            return convert.invoice(view, reason if day is not None else "")

        return self._door.query(request, answer)

    def CreateInvoice(self, request: pb.CreateInvoiceRequest, context: grpc.ServicerContext) -> pb.Invoice:
        """Make an invoice outside a run."""
        command = convert.create_invoice(request)

        def answer(tx: Any) -> pb.Invoice:
            made = commands.create_invoice(tx, command)
            return convert.invoice(queries.get_invoice(tx, command.account, made.id))

        return self._door.command(request, answer)

    def ListInvoices(self, request: pb.ListInvoicesRequest, context: grpc.ServicerContext) -> pb.ListInvoicesResponse:
        """List invoices by number."""
        where = _scope(request)
        filters = (request.parent, request.open_only, request.agreement)
        page = open_page(request.page_size, request.page_token, filters=filters)

        def answer(tx: Any) -> pb.ListInvoicesResponse:
            found, token = queries.list_invoices(tx, where, page, open_only=request.open_only)
            return pb.ListInvoicesResponse(invoices=[convert.invoice(one) for one in found], next_page_token=token)

        return self._door.query(request, answer)


def _scope(request: pb.ListInvoicesRequest) -> InvoiceScope:
    agreement_id = convert.agreement_id(request.agreement)
    if "/accounts/" in request.parent:
        ref = account_ref(request.parent, "parent")
        return InvoiceScope(ref.enterprise_id, ref.business_unit_id, ref.id, agreement_id)
    return InvoiceScope(*scope(request.parent), None, agreement_id)
