"""PaymentService: convert, call, convert."""

from typing import Any

import grpc
from boss.billing.v1 import payment_service_pb2 as pb
from boss.billing.v1 import payment_service_pb2_grpc

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rpc import scope
from boss_billing.accounts.rules import AccountRef
from boss_billing.invoices.convert import invoice_id
from boss_billing.invoices.queries import InvoiceScope
from boss_billing.payments import commands, queries
from boss_billing.payments.commands import TakePayment
from boss_billing.payments.rules import PAYMENT_NAME, State
from boss_kit import names
from boss_kit.money import Money
from boss_kit.paging import open_page
from boss_kit.rpc.convert import date_to_proto, money_from_proto, money_to_proto, time_to_proto
from boss_kit.rpc.door import Door

_STATES = {state.value: f"STATE_{state.name}" for state in State}


class PaymentServicer(payment_service_pb2_grpc.PaymentServiceServicer):
    """What accounts paid, or should have."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CreatePayment(self, request: pb.CreatePaymentRequest, context: grpc.ServicerContext) -> pb.Payment:
        """Take a payment at the point of sale."""
        account = account_ref(request.parent, "parent")
        paid_first = invoice_id(account, request.invoice)
        command = TakePayment(account, money_from_proto(request.amount), request.tender, paid_first)

        def answer(tx: Any) -> pb.Payment:
            payment_id = commands.take_payment(tx, command)
            return _payment(queries.get_payment(tx, command.account, payment_id))

        return self._door.command(request, answer)

    def GetPayment(self, request: pb.GetPaymentRequest, context: grpc.ServicerContext) -> pb.Payment:
        """Read a payment."""
        ids = names.parse(PAYMENT_NAME, request.name)
        ref = AccountRef(ids["e"], ids["b"], ids["a"])
        return self._door.query(request, lambda tx: _payment(queries.get_payment(tx, ref, ids["p"])))

    def ListPayments(self, request: pb.ListPaymentsRequest, context: grpc.ServicerContext) -> pb.ListPaymentsResponse:
        """List payments by day."""
        where = _scope(request.parent)
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Any) -> pb.ListPaymentsResponse:
            rows, token = queries.list_payments(tx, where, page)
            return pb.ListPaymentsResponse(payments=[_payment(row) for row in rows], next_page_token=token)

        return self._door.query(request, answer)


def _scope(parent: str) -> InvoiceScope:
    if "/accounts/" in parent:
        ref = account_ref(parent, "parent")
        return InvoiceScope(ref.enterprise_id, ref.business_unit_id, ref.id)
    return InvoiceScope(*scope(parent))


def _payment(row: Any) -> pb.Payment:
    account = AccountRef(row.enterprise_id, row.business_unit_id, row.account_id).name
    return pb.Payment(
        name=f"{account}/payments/{row.id}",
        kind=row.kind,
        state=_STATES[row.state],
        amount=money_to_proto(Money(row.amount_minor, row.currency)),
        invoice=f"{account}/invoices/{row.invoice_id}" if row.invoice_id else "",
        funding_source=f"{account}/fundingSources/{row.funding_source_id}" if row.funding_source_id else "",
        tender=row.tender,
        response_code=row.response_code,
        response_message=row.response_message,
        batch_number=row.batch_number or 0,
        recovered_by_card_updater=row.is_recovered,
        payment_date=date_to_proto(row.payment_date),
        create_time=time_to_proto(row.create_time),
        account_number=row.account_number,
        next_attempt_date=date_to_proto(row.next_attempt_date),
        next_attempt_reason=row.next_attempt_reason,
    )
