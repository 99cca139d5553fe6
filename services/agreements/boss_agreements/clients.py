"""What agreements asks of billing: to take what a sale costs, and itemized returns.

What is due it knows alone, and learns the answers from events.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

import grpc
from boss.billing.v1 import account_service_pb2 as account_pb
from boss.billing.v1 import invoice_service_pb2 as invoice_pb
from boss.billing.v1 import payment_service_pb2 as payment_pb
from boss.billing.v1 import refund_service_pb2 as refund_pb
from boss.billing.v1 import refund_service_pb2_grpc as refund_grpc
from boss.billing.v1.account_service_pb2_grpc import AccountServiceStub
from boss.billing.v1.invoice_service_pb2_grpc import InvoiceServiceStub
from boss.billing.v1.payment_service_pb2_grpc import PaymentServiceStub

from boss_agreements.batch_cancels.rules import OpenInvoice
from boss_agreements.cancellations.rules import CASH, CREDIT, FUNDING_SOURCE, ReturnOrder
from boss_agreements.drafts.rules import Bill, Invoiced, SaleCharge
from boss_agreements.rewrites.rules import InvoicedAgreement
from boss_kit.errors import FailedPrecondition, NotFound
from boss_kit.names import parse
from boss_kit.rpc.client import Channels
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_from_proto, money_to_proto, request_id_for

ACCOUNT = "enterprises/{e}/businessUnits/{b}/accounts/{a}"
AGREEMENT = "enterprises/{e}/businessUnits/{b}/agreements/{a}"
INVOICE = ACCOUNT + "/invoices/{i}"
APPROVED = payment_pb.Payment.STATE_APPROVED
PAGE = 1000

_DESTINATIONS = {
    CREDIT: refund_pb.REFUND_DESTINATION_ACCOUNT_CREDIT,
    FUNDING_SOURCE: refund_pb.REFUND_DESTINATION_FUNDING_SOURCE,
    CASH: refund_pb.REFUND_DESTINATION_CASH,
}


class BillingClient:
    """Billing, who knows what was paid and gives it back."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._refunds = refund_grpc.RefundServiceStub(channel)

    def create_return(self, order: ReturnOrder) -> str:
        """Have an itemized return made; give its name. A repeat gets the same one.

        Raises FailedPrecondition if more would come back than was paid.
        """
        unit = f"enterprises/{order.enterprise_id}/businessUnits/{order.business_unit_id}"
        request = refund_pb.CreateReturnRequest(
            parent=f"{unit}/accounts/{order.account_id}",
            agreement=f"{unit}/agreements/{order.agreement_id}" if order.agreement_id else "",
            lines=[
                refund_pb.ReturnLine(
                    description=line.description[:200],
                    amount=money_to_proto(line.amount),
                    tax=money_to_proto(line.tax),
                    item_category=line.item_category,
                    item=line.item,
                )
                for line in order.lines
            ],
            destination=_DESTINATIONS[order.destination],
            funding_source=order.funding_source if order.destination == FUNDING_SOURCE else "",
            reason=order.reason,
            request_id=request_id_for(order.request_id, order.step),
        )
        return str(self._refunds.CreateReturn(request).name)


class BillingAccounts:
    """Billing, as a new member sees it: an account is opened once."""

    def __init__(self, channels: Channels) -> None:
        self._accounts = AccountServiceStub(channels.to("billing"))

    def create_account(self, enterprise_id: UUID, unit_id: UUID, account_id: UUID, number: str) -> None:
        """Open an account. Raises AlreadyExists, NotFound where billing doesn't know the unit yet."""
        self._accounts.CreateAccount(
            account_pb.CreateAccountRequest(
                parent=f"enterprises/{enterprise_id}/businessUnits/{unit_id}",
                account_id=str(account_id),
                account=account_pb.Account(number=number),
                request_id=request_id_for(account_id, "open"),
            )
        )


class BillingDesk:
    """Billing, as a sale sees it. Request ids come from the draft: a sale is invoiced and paid once."""

    def __init__(self, channels: Channels) -> None:
        channel = channels.to("billing")
        self._accounts = AccountServiceStub(channel)
        self._invoices = InvoiceServiceStub(channel)
        self._payments = PaymentServiceStub(channel)

    def invoice(self, draft_id: UUID, bill: Bill) -> Invoiced | None:
        """Open the account where there is none and invoice what is due at sale, None where nothing is.

        Raises FailedPrecondition for a funding source that isn't the account's or can't be charged.
        """
        self._check_source(bill, self._account(draft_id, bill))
        if not bill.charges:
            return None
        made = self._invoices.CreateInvoice(
            invoice_pb.CreateInvoiceRequest(
                parent=_account_name(bill),
                agreement=f"{_unit_name(bill)}/agreements/{bill.agreement_id}",
                due_date=date_to_proto(bill.due_date),
                lines=[_line(charge) for charge in bill.charges],
                request_id=request_id_for(draft_id, "invoice"),
                kind=invoice_pb.CreateInvoiceRequest.KIND_SALE,
            )
        )
        return Invoiced(made.name, money_from_proto(made.balance, "balance"))

    def pay(self, draft_id: UUID, bill: Bill, invoiced: Invoiced) -> str:
        """Take the payment of an invoice at the desk; give the payment's name."""
        request = payment_pb.CreatePaymentRequest(
            parent=_account_name(bill),
            amount=money_to_proto(invoiced.balance),
            tender=bill.tender,
            invoice=invoiced.invoice,
            request_id=request_id_for(draft_id, "payment"),
        )
        return str(self._payments.CreatePayment(request).name)

    def _account(self, draft_id: UUID, bill: Bill) -> account_pb.Account:
        try:
            return self._accounts.GetAccount(account_pb.GetAccountRequest(name=_account_name(bill)))
        except NotFound:
            return self._accounts.CreateAccount(
                account_pb.CreateAccountRequest(
                    parent=_unit_name(bill),
                    account_id=str(bill.account_id),
                    account=account_pb.Account(number=bill.account_number),
                    request_id=request_id_for(draft_id, "account"),
                )
            )

    def _check_source(self, bill: Bill, account: account_pb.Account) -> None:
        if bill.funding_source_id is None:
            return
        name = f"{_account_name(bill)}/fundingSources/{bill.funding_source_id}"
        source = next((one for one in account.funding_sources if one.name == name), None)
        if source is None or not (source.valid and source.active):
            raise FailedPrecondition(
                "FUNDING_SOURCE_UNUSABLE",
                "funding_source: it isn't a valid, active funding source of the account; choose another.",
                metadata={"field": "funding_source", "funding_source": name},
            )


def _line(charge: SaleCharge) -> invoice_pb.NewInvoiceLine:
    return invoice_pb.NewInvoiceLine(
        description=charge.description,
        amount=money_to_proto(charge.amount),
        tax=money_to_proto(charge.tax),
        item_category=charge.item_category,
        item=charge.item,
        charge_key=charge.key,
        period_start_date=date_to_proto(charge.period_start),
        period_end_date=date_to_proto(charge.period_end),
    )


def _unit_name(bill: Bill) -> str:
    return f"enterprises/{bill.enterprise_id}/businessUnits/{bill.business_unit_id}"


def _account_name(bill: Bill) -> str:
    return f"{_unit_name(bill)}/accounts/{bill.account_id}"


class BillingInvoices:
    """Billing, as a rewrite sees it: whether an agreement was invoiced, or paid for at the point of sale."""

    def __init__(self, channels: Channels) -> None:
        self._invoices = InvoiceServiceStub(channels.to("billing"))

    def has_any(self, one: InvoicedAgreement) -> bool:
        """Tell whether there is an invoice of an agreement."""
        unit = _unit_of(one.enterprise_id, one.business_unit_id)
        request = invoice_pb.ListInvoicesRequest(
            parent=f"{unit}/accounts/{one.account_id}", agreement=f"{unit}/agreements/{one.agreement_id}", page_size=1
        )
        return bool(self._invoices.ListInvoices(request).invoices)


class BillingDebtors:
    """Billing, as a batch cancel sees it: who owes, who paid."""

    def __init__(self, channels: Channels) -> None:
        channel = channels.to("billing")
        self._accounts = AccountServiceStub(channel)
        self._invoices = InvoiceServiceStub(channel)
        self._payments = PaymentServiceStub(channel)

    def open_invoices(self, enterprise_id: UUID, unit_id: UUID) -> Iterator[OpenInvoice]:
        """Give the open invoices of agreements of a unit."""
        token = ""
        while True:
            request = invoice_pb.ListInvoicesRequest(
                parent=_unit_of(enterprise_id, unit_id), open_only=True, page_size=PAGE, page_token=token
            )
            page = self._invoices.ListInvoices(request)
            for one in page.invoices:
                if one.agreement:
                    yield OpenInvoice(
                        parse(INVOICE, one.name)["a"],
                        parse(AGREEMENT, one.agreement)["a"],
                        date_from_proto(one.due_date),
                        money_from_proto(one.balance).amount_minor,
                    )
            token = page.next_page_token
            if not token:
                return

    def paid_within(
        self, enterprise_id: UUID, unit_id: UUID, account_ids: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, date]:
        """Give the accounts that paid within dates, and when last."""
        found = {one: self._paid(_account_of(enterprise_id, unit_id, one), start, end) for one in account_ids}
        return {account_id: day for account_id, day in found.items() if day is not None}

    def past_due(self, enterprise_id: UUID, unit_id: UUID, account_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Give what is past due right now, by account; at most 1,000 are asked for."""
        names = [_account_of(enterprise_id, unit_id, one) for one in account_ids]
        request = account_pb.BatchGetBalancesRequest(parent=f"enterprises/{enterprise_id}", accounts=names)
        return {
            parse(ACCOUNT, one.account)["a"]: money_from_proto(one.past_due_balance).amount_minor
            for one in self._accounts.BatchGetBalances(request).balances
            if one.HasField("past_due_balance")
        }

    def _paid(self, account: str, start: date, end: date) -> date | None:
        days: list[date] = []
        token = ""
        while True:
            request = payment_pb.ListPaymentsRequest(parent=account, page_size=PAGE, page_token=token)
            page = self._payments.ListPayments(request)
            days += [date_from_proto(one.payment_date) for one in page.payments if one.state == APPROVED]
            token = page.next_page_token
            if not token:
                return max((day for day in days if start <= day <= end), default=None)


def _unit_of(enterprise_id: UUID, unit_id: UUID) -> str:
    return f"enterprises/{enterprise_id}/businessUnits/{unit_id}"


def _account_of(enterprise_id: UUID, unit_id: UUID, account_id: UUID) -> str:
    return f"{_unit_of(enterprise_id, unit_id)}/accounts/{account_id}"
