"""Let a person say what a callback that doesn't fit really means (SPEC BIL-8): never a silent adjustment."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from boss_billing.callbacks import store
from boss_billing.callbacks.bodies import read_refund_result, read_result
from boss_billing.callbacks.rules import (
    AWAITING,
    OPEN,
    CallbackKind,
    CallbackState,
    RefundCallback,
    Resolution,
    ResultCallback,
)
from boss_billing.declines import store as declines
from boss_billing.declines.rules import NO_UPDATE
from boss_billing.payments import open_attempts
from boss_billing.payments.rules import OpenAttempt
from boss_billing.payments.settlement import load
from boss_billing.refunds import store as refunds
from boss_billing.refunds.commands import take_answer
from boss_billing.refunds.rules import ON_ITS_WAY, RefundAnswer
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class ResolveCallback:
    """What somebody found out about a callback, and where."""

    kind: str
    callback_id: str
    resolution: Resolution
    comment: str


def resolve_callback(tx: Transaction, command: ResolveCallback) -> None:
    """Take a result as reported or as submitted, or dismiss a callback; who said so and why is kept.

    Raises NotFound without the callback, FailedPrecondition where it isn't open or can't be taken so.
    """
    kind = _kind(command)
    found = store.lock_one(tx.connection, tx.enterprise_id, kind, command.callback_id)
    if found is None:
        raise NotFound("CALLBACK_NOT_FOUND", f"There is no {kind} with the id {command.callback_id[:60]!r}.")
    state, subject_id, body = found
    if state not in OPEN:
        raise FailedPrecondition(
            "CALLBACK_NOT_OPEN", f"This callback is {state.value}; only unmatched ones and exceptions are resolved."
        )
    if command.resolution is not Resolution.DISMISSED:
        _take(tx, kind, state, subject_id, body, command.resolution)
    store.resolve(
        tx.connection,
        tx.enterprise_id,
        kind,
        command.callback_id,
        command.resolution,
        command.comment,
        tx.context.actor.user,
        tx.now,
    )


def _take(
    tx: Transaction,
    kind: CallbackKind,
    state: CallbackState,
    subject_id: UUID | None,
    body: dict[str, Any],
    resolution: Resolution,
) -> None:
    if body.get("code") == NO_UPDATE:
        text = (
            f"{NO_UPDATE} is an answer of the card updater: nothing of money is in it to take. Dismiss this callback."
        )
        raise FailedPrecondition("CALLBACK_CAN_ONLY_BE_DISMISSED", text)
    is_exception = state is CallbackState.EXCEPTION and subject_id is not None
    if kind is CallbackKind.REFUND_RESULT and is_exception and resolution is Resolution.AS_SUBMITTED:
        _take_refund(tx, read_refund_result(body))
        return
    if kind is not CallbackKind.PAYMENT_RESULT or not is_exception or subject_id is None:
        raise FailedPrecondition(
            "CALLBACK_CAN_ONLY_BE_DISMISSED",
            "Only a payment's result that doesn't fit its payment can be taken, and a refund's as it was submitted; "
            "anything else is matched or dismissed.",
        )
    result = read_result(body)
    page = load(tx, [subject_id])
    attempt = page.attempts[subject_id]
    if attempt.state not in AWAITING:
        raise FailedPrecondition(
            "ATTEMPT_HAS_RESULT",
            f"The attempt is {attempt.state.value} already. Dismiss this callback, and book what really happened as a "
            "payment, a refund or a chargeback.",
        )
    # What was declined moved nothing, whatever amount the callback names.
    moved = declines.decline_table(tx.connection, tx.enterprise_id).find(result.code).is_good
    takes_amount = moved and resolution is Resolution.AS_REPORTED
    if takes_amount:
        attempt = _as_reported(attempt, result)
    page.settle(attempt, result.code, result.message, result.transaction_id)
    page.save()
    if takes_amount:
        open_attempts.save_amount(tx.connection, tx.enterprise_id, attempt.payment)


def _take_refund(tx: Transaction, result: RefundCallback) -> None:
    refund_id = UUID(result.refund_id)
    refund = refunds.find(tx.connection, tx.enterprise_id, refund_id)
    if refund is None or refund.state not in ON_ITS_WAY:
        state = refund.state.value if refund is not None else "unknown here"
        raise FailedPrecondition(
            "REFUND_HAS_RESULT", f"The refund is {state} already. Dismiss this callback, and book what really happened."
        )
    take_answer(tx, refund_id, RefundAnswer(result.code, result.message, result.transaction_id))


def _as_reported(attempt: OpenAttempt, result: ResultCallback) -> OpenAttempt:
    """Give the attempt with the amount that really moved. Raises FailedPrecondition for one that can't have."""
    asked, told = Money(attempt.payment.amount_minor, attempt.payment.currency), result.amount
    if told is None or told.currency != asked.currency or told.amount_minor <= 0:
        raise FailedPrecondition(
            "AMOUNT_CANNOT_BE_TAKEN", f"{asked} was asked for; {told or 'no amount'} can't be taken as reported."
        )
    return replace(attempt, payment=attempt.payment._replace(amount_minor=told.amount_minor))


def _kind(command: ResolveCallback) -> CallbackKind:
    try:
        return CallbackKind(command.kind)
    except ValueError:
        known = ", ".join(CallbackKind)
        raise InvalidArgument.field("kind", f"must be one of {known}.") from None
