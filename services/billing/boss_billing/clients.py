"""Thin clients: agreements says what is due, our own callback door takes the simulator's answers."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from sys import intern
from typing import Any
from uuid import UUID

from boss.agreements.v1 import due_charge_service_pb2 as due_pb
from boss.agreements.v1.due_charge_service_pb2_grpc import DueChargeServiceStub
from boss.billing.v1 import processor_callback_service_pb2 as callback_pb
from boss.billing.v1.processor_callback_service_pb2_grpc import ProcessorCallbackServiceStub
from google.protobuf.message import Message
from google.type.money_pb2 import Money

from boss_billing.callbacks.rules import RefundCallback, ResultCallback, ReturnCallback, UpdateCallback
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.rules import UpdateOutcome
from boss_billing.invoices.rules import DueCharge, SkippedAgreement
from boss_billing.runs.rules import DuePage, Shard
from boss_kit import money
from boss_kit.errors import InvalidArgument
from boss_kit.ids import id_of
from boss_kit.rpc.client import Channels
from boss_kit.rpc.content import check_record, refuse
from boss_kit.rpc.convert import (
    date_to_proto,
    money_from_proto,
    money_to_proto,
    request_id_for,
)

Callback = ResultCallback | RefundCallback | UpdateCallback | ReturnCallback

_OUTCOMES = {
    UpdateOutcome.NEW_NUMBER: callback_pb.AccountUpdate.OUTCOME_NEW_NUMBER,
    UpdateOutcome.NEW_EXPIRY: callback_pb.AccountUpdate.OUTCOME_NEW_EXPIRY,
    UpdateOutcome.CLOSED: callback_pb.AccountUpdate.OUTCOME_CLOSED,
    UpdateOutcome.CONTACT_HOLDER: callback_pb.AccountUpdate.OUTCOME_CONTACT_HOLDER,
    UpdateOutcome.NO_CHANGE: callback_pb.AccountUpdate.OUTCOME_NO_CHANGE,
}

_KINDS = {
    ReturnKind.RETURN: callback_pb.PaymentReturn.KIND_RETURN,
    ReturnKind.CHARGEBACK: callback_pb.PaymentReturn.KIND_CHARGEBACK,
    ReturnKind.REVERSAL: callback_pb.PaymentReturn.KIND_REVERSAL,
}


class AgreementsDueCharges:
    """What agreements knows of what is due."""

    def __init__(self, channels: Channels) -> None:
        self._stub = DueChargeServiceStub(channels.to("agreements"))

    def close_bill_dates(
        self, enterprise_id: UUID, unit_ids: Sequence[UUID], bill_date: date, asked_id: UUID
    ) -> Sequence[int]:
        """Close a day of units, once per `asked_id`; give how many agreements have something due in each."""
        enterprise = f"enterprises/{enterprise_id}"
        request = due_pb.BatchCloseBillDatesRequest(
            parent=enterprise,
            business_units=[f"{enterprise}/businessUnits/{unit_id}" for unit_id in unit_ids],
            bill_date=date_to_proto(bill_date),
            request_id=request_id_for(asked_id, f"close/{unit_ids[0]}"),
        )
        return [one.due_agreements for one in self._stub.BatchCloseBillDates(request).closed]

    def pages(self, enterprise_id: UUID, shard: Shard, bill_date: date, page_token: str) -> Iterator[DuePage]:
        """Stream a shard's pages from a token on."""
        request = due_pb.ListDueChargesRequest(
            parent=f"enterprises/{enterprise_id}/businessUnits/{shard.business_unit_id}",
            bill_date=date_to_proto(bill_date),
            shard=shard.number,
            shard_count=shard.count,
            page_token=page_token,
        )
        for page in self._stub.ListDueCharges(request):
            yield _page(page)

    def look(
        self, enterprise_id: UUID, business_unit_id: UUID, bill_date: date, page_size: int, page_token: str
    ) -> DuePage:
        """Look at one page of what is due, without closing the day."""
        request = due_pb.ListDueChargesRequest(
            parent=f"enterprises/{enterprise_id}/businessUnits/{business_unit_id}",
            bill_date=date_to_proto(bill_date),
            page_size=page_size,
            page_token=page_token,
            preview=True,
        )
        return _page(next(iter(self._stub.ListDueCharges(request))))


class OwnCallbackDoor:
    """Billing's own gRPC door for processors, as the simulator calls it."""

    def __init__(self, channels: Channels) -> None:
        self._stub = ProcessorCallbackServiceStub(channels.to("billing"))

    @staticmethod
    def refusal(callback: Callback) -> str:
        """Say why the door would refuse a callback, by the rules of its own messages; nothing where it takes it."""
        try:
            refuse(check_record(_message(callback)))
        except InvalidArgument as error:
            return error.message
        return ""

    def report_results(self, enterprise_id: UUID, results: Sequence[ResultCallback]) -> None:
        """Report results of attempts."""
        parent = f"enterprises/{enterprise_id}"
        request = callback_pb.ReportPaymentResultsRequest(parent=parent, results=map(_result, results))
        self._stub.ReportPaymentResults(request)

    def report_refund_results(self, enterprise_id: UUID, results: Sequence[RefundCallback]) -> None:
        """Report results of refunds."""
        parent = f"enterprises/{enterprise_id}"
        request = callback_pb.ReportRefundResultsRequest(parent=parent, results=map(_refund_result, results))
        self._stub.ReportRefundResults(request)

    def report_updates(self, enterprise_id: UUID, updates: Sequence[UpdateCallback]) -> None:
        """Report what the card updater says."""
        parent = f"enterprises/{enterprise_id}"
        request = callback_pb.ReportAccountUpdatesRequest(parent=parent, updates=map(_update, updates))
        self._stub.ReportAccountUpdates(request)

    def report_returns(self, enterprise_id: UUID, returns: Sequence[ReturnCallback]) -> None:
        """Report returns, chargebacks and reversals."""
        parent = f"enterprises/{enterprise_id}"
        request = callback_pb.ReportReturnsRequest(parent=parent, returns=map(_return, returns))
        self._stub.ReportReturns(request)


def _message(callback: Callback) -> Message:
    match callback:
        case ResultCallback():
            return _result(callback)
        case RefundCallback():
            return _refund_result(callback)
        case UpdateCallback():
            return _update(callback)
        case ReturnCallback():
            return _return(callback)


def _result(one: ResultCallback) -> callback_pb.PaymentResult:
    return callback_pb.PaymentResult(
        result_id=one.callback_id,
        attempt_id=one.attempt_id,
        transaction_id=one.transaction_id,
        code=one.code,
        message=one.message,
        amount=_amount(one.amount),
    )


def _refund_result(one: RefundCallback) -> callback_pb.RefundResult:
    return callback_pb.RefundResult(
        result_id=one.callback_id,
        refund_id=one.refund_id,
        transaction_id=one.transaction_id,
        code=one.code,
        message=one.message,
        amount=_amount(one.amount),
    )


def _update(one: UpdateCallback) -> callback_pb.AccountUpdate:
    return callback_pb.AccountUpdate(
        update_id=one.callback_id,
        inquiry_id=one.inquiry_id,
        outcome=_OUTCOMES[one.outcome] if one.outcome else None,
        token=one.token,
        last4=one.last4,
        expiry_month=one.expiry_month,
        expiry_year=one.expiry_year,
        current_token=one.current_token,
    )


def _return(one: ReturnCallback) -> callback_pb.PaymentReturn:
    return callback_pb.PaymentReturn(
        return_id=one.callback_id,
        attempt_id=one.attempt_id,
        transaction_id=one.transaction_id,
        kind=_KINDS[one.kind],
        code=one.code,
        message=one.message,
        amount=_amount(one.amount),
        return_date=date_to_proto(one.return_date),
    )


def _amount(amount: money.Money | None) -> Money | None:
    return money_to_proto(amount) if amount is not None else None


def _page(page: Any) -> DuePage:
    skipped = [
        SkippedAgreement(UUID(one.agreement_id), one.agreement_number, one.reason, one.description)
        for one in page.skipped
    ]
    return DuePage([_charge(one) for one in page.charges], skipped, page.next_page_token)


def _charge(one: Any) -> DueCharge:
    amount = one.amount
    currency = intern(amount.currency_code)
    return DueCharge(
        one.charge_key,
        id_of(one.account_id),
        id_of(one.agreement_id),
        one.agreement_number,
        _date(one.due_date),
        _date(one.period_start_date) if one.HasField("period_start_date") else None,
        _date(one.period_end_date) if one.HasField("period_end_date") else None,
        _minor(currency, amount.units, amount.nanos),
        _minor(one.tax.currency_code, one.tax.units, one.tax.nanos) if one.HasField("tax") else 0,
        currency,
        # Thousands of charges are of one item; what is one object is written once for a page.
        intern(one.description),
        intern(one.item_category),
        intern(one.item),
    )


def _date(day: Any) -> date:
    return _day(day.year, day.month, day.day)


@lru_cache(maxsize=1024)
def _day(year: int, month: int, day: int) -> date:
    return date(year, month, day)


@lru_cache(maxsize=4096)
def _minor(currency: str, units: int, nanos: int) -> int:
    return money_from_proto(Money(currency_code=currency, units=units, nanos=nanos)).amount_minor if currency else 0
