"""Callbacks from protos, and what doesn't fit to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from boss.billing.v1 import processor_callback_service_pb2 as pb

from boss_billing.callbacks.queries import OpenCallback
from boss_billing.callbacks.rules import (
    CallbackState,
    DepositCallback,
    RefundCallback,
    Resolution,
    ResultCallback,
    ReturnCallback,
    UpdateCallback,
)
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.deposits.rules import check_amount
from boss_billing.funding.rules import UpdateOutcome
from boss_kit.days import check_year
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import (
    date_from_proto,
    money_from_proto,
    money_to_proto,
    optional_date_from_proto,
    time_to_proto,
)

_OUTCOMES = {
    pb.AccountUpdate.OUTCOME_NEW_NUMBER: UpdateOutcome.NEW_NUMBER,
    pb.AccountUpdate.OUTCOME_NEW_EXPIRY: UpdateOutcome.NEW_EXPIRY,
    pb.AccountUpdate.OUTCOME_CLOSED: UpdateOutcome.CLOSED,
    pb.AccountUpdate.OUTCOME_CONTACT_HOLDER: UpdateOutcome.CONTACT_HOLDER,
    pb.AccountUpdate.OUTCOME_NO_CHANGE: UpdateOutcome.NO_CHANGE,
}
_KINDS = {
    pb.PaymentReturn.KIND_RETURN: ReturnKind.RETURN,
    pb.PaymentReturn.KIND_CHARGEBACK: ReturnKind.CHARGEBACK,
    pb.PaymentReturn.KIND_REVERSAL: ReturnKind.REVERSAL,
}
STATES: Mapping[pb.UnmatchedCallback.State, CallbackState] = {
    pb.UnmatchedCallback.STATE_UNMATCHED: CallbackState.UNMATCHED,
    pb.UnmatchedCallback.STATE_EXCEPTION: CallbackState.EXCEPTION,
}
_STATES = {state: number for number, state in STATES.items()}
RESOLUTIONS: Mapping[pb.ResolveCallbackRequest.Resolution, Resolution] = {
    pb.ResolveCallbackRequest.RESOLUTION_AS_REPORTED: Resolution.AS_REPORTED,
    pb.ResolveCallbackRequest.RESOLUTION_AS_SUBMITTED: Resolution.AS_SUBMITTED,
    pb.ResolveCallbackRequest.RESOLUTION_DISMISSED: Resolution.DISMISSED,
}


def results(request: pb.ReportPaymentResultsRequest) -> Sequence[ResultCallback]:
    """Read results of attempts."""
    return [
        ResultCallback(one.result_id, one.attempt_id, one.transaction_id, one.code, one.message, _amount(one))
        for one in request.results
    ]


def refund_results(request: pb.ReportRefundResultsRequest) -> Sequence[RefundCallback]:
    """Read results of refunds."""
    return [
        RefundCallback(one.result_id, one.refund_id, one.transaction_id, one.code, one.message, _amount(one))
        for one in request.results
    ]


def updates(request: pb.ReportAccountUpdatesRequest) -> Sequence[UpdateCallback]:
    """Read what the card updater says."""
    return [
        UpdateCallback(
            one.update_id,
            one.inquiry_id,
            _OUTCOMES.get(one.outcome),
            one.token,
            one.last4,
            one.expiry_month,
            one.expiry_year,
            one.current_token,
        )
        for one in request.updates
    ]


def returns(request: pb.ReportReturnsRequest) -> Sequence[ReturnCallback]:
    """Read returns, chargebacks and reversals."""
    return [
        ReturnCallback(
            one.return_id,
            one.attempt_id,
            one.transaction_id,
            _KINDS[one.kind],
            one.code,
            one.message,
            _amount(one),
            optional_date_from_proto(one, "return_date"),
        )
        for one in request.returns
    ]


def deposits(request: pb.ReportDepositsRequest) -> Sequence[DepositCallback]:
    """Read deposits. Raises InvalidArgument for a fee in another currency, and a day or an amount that can't be."""
    return [_deposit(one, number) for number, one in enumerate(request.deposits)]


def open_callback(one: OpenCallback) -> pb.UnmatchedCallback:
    """Write a callback that doesn't fit."""
    return pb.UnmatchedCallback(
        callback_id=one.callback_id,
        kind=one.kind,
        reason=one.reason,
        create_time=time_to_proto(one.create_time),
        state=_STATES[one.state],
        attempt_id=one.attempt_id,
        refund_id=one.refund_id,
        payment=one.payment,
        reported_amount=money_to_proto(one.reported) if one.reported else None,
        submitted_amount=money_to_proto(one.submitted) if one.submitted else None,
        code=one.code,
        message=one.message,
    )


def _deposit(one: pb.ReportedDeposit, number: int) -> DepositCallback:
    place = f"deposits[{number}]"
    gross = money_from_proto(one.gross, f"{place}.gross")
    fee = money_from_proto(one.fee, f"{place}.fee") if one.HasField("fee") else Money(0, gross.currency)
    if fee.currency != gross.currency:
        raise InvalidArgument.field(f"{place}.fee.currency_code", f"must be {gross.currency}, as the deposit's.")
    check_amount(gross, f"{place}.gross")
    check_amount(fee, f"{place}.fee")
    return DepositCallback(
        # Two sources may name their deposits alike.
        f"{one.source}/{one.deposit_id}",
        one.source,
        one.statement,
        check_year(date_from_proto(one.deposit_date, f"{place}.deposit_date"), f"{place}.deposit_date"),
        one.batch_number,
        one.label,
        one.tender,
        gross.amount_minor,
        fee.amount_minor,
        gross.currency,
        one.transaction_id,
    )


def _amount(message: Any) -> Money | None:
    return money_from_proto(message.amount) if message.HasField("amount") else None
