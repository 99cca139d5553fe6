"""Callbacks from protos."""

from typing import Any

from boss.billing.v1 import processor_callback_service_pb2 as pb

from boss_billing.callbacks.rules import ResultCallback, UpdateCallback
from boss_billing.funding.rules import UpdateOutcome
from boss_kit.rpc.convert import money_from_proto

_OUTCOMES = {
    pb.AccountUpdate.OUTCOME_NEW_NUMBER: UpdateOutcome.NEW_NUMBER,
    pb.AccountUpdate.OUTCOME_NEW_EXPIRY: UpdateOutcome.NEW_EXPIRY,
    pb.AccountUpdate.OUTCOME_CLOSED: UpdateOutcome.CLOSED,
    pb.AccountUpdate.OUTCOME_CONTACT_HOLDER: UpdateOutcome.CONTACT_HOLDER,
    pb.AccountUpdate.OUTCOME_NO_CHANGE: UpdateOutcome.NO_CHANGE,
}


def result(message: Any) -> ResultCallback:
    """Read the result of an attempt."""
    amount = money_from_proto(message.amount) if message.HasField("amount") else None
    return ResultCallback(
        message.result_id, message.attempt_id, message.transaction_id, message.code, message.message, amount
    )


def update(message: Any) -> UpdateCallback:
    """Read an answer of the card updater."""
    return UpdateCallback(
        message.update_id,
        message.inquiry_id,
        _OUTCOMES.get(message.outcome),
        message.token,
        message.last4,
        message.expiry_month,
        message.expiry_year,
    )
