"""Keep returns, chargebacks and reversals, and hand over those whose payment was approved (SPEC BIL-8, BIL-11)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.callbacks import store
from boss_billing.callbacks.bodies import read_return
from boss_billing.callbacks.keeping import Tally, keep, subject_of, tally
from boss_billing.callbacks.rules import APPLY, CallbackKind, CallbackState, Fit, Kept, ReturnCallback, fit_return
from boss_billing.chargebacks.commands import take_returns
from boss_billing.chargebacks.rules import ReturnKind, ReturnNotice, ReturnOutcome
from boss_billing.payments import open_attempts
from boss_billing.payments.rules import OpenAttempt
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

KIND = CallbackKind.PAYMENT_RETURN


def keep_returns(tx: Transaction, returns: Sequence[ReturnCallback]) -> frozenset[str]:
    """Keep returns, chargebacks and reversals; give the ids of those that are new."""
    story = tx.context.correlation
    return keep(tx, KIND, [Kept(one.callback_id, subject_of(one.attempt_id), asdict(one), story) for one in returns])


def apply_returns(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Hand over those of the returns that nobody has handed over yet; those that are too early wait."""
    ids = store.lock_received(tx.connection, tx.enterprise_id, KIND, callback_ids)
    if not ids:
        return tally(callback_ids, {})
    bodies = store.bodies(tx.connection, tx.enterprise_id, KIND, ids)
    returns = {one: read_return(bodies[one]) for one in ids}
    attempts = _locked_attempts(tx, returns)
    fits = {one: fit_return(told, attempts.get(told.attempt_id)) for one, told in returns.items()}
    fitting = [one for one in ids if fits[one].state is CallbackState.APPLIED]
    # A reversal follows the chargeback it reverses, whichever came first.
    fitting.sort(key=lambda one: returns[one].kind is ReturnKind.REVERSAL)
    taken = take_returns(tx, [_notice(returns[one], attempts[returns[one].attempt_id]) for one in fitting])
    refused = {
        one: result.reason
        for one, result in zip(fitting, taken, strict=True)
        if result.outcome is ReturnOutcome.REFUSED
    }
    store.note(tx.connection, tx.enterprise_id, KIND, dict.fromkeys(fitting, APPLY))
    fits |= {one: _refusal(tx, attempts[returns[one].attempt_id], returns[one], why) for one, why in refused.items()}
    store.note(tx.connection, tx.enterprise_id, KIND, {one: fit for one, fit in fits.items() if fit is not APPLY})
    return tally(callback_ids, fits)


def apply_waiting(tx: Transaction, attempt_ids: Collection[UUID]) -> None:
    """Hand over returns that were faster than the results of these attempts."""
    waiting = store.receive_waiting(tx.connection, tx.enterprise_id, KIND, attempt_ids)
    if waiting:
        apply_returns(tx, waiting)


def _locked_attempts(tx: Transaction, returns: Mapping[str, ReturnCallback]) -> Mapping[str, OpenAttempt]:
    subjects = {subject_of(one.attempt_id) for one in returns.values()} - {None}
    ids = [one for one in subjects if one is not None]
    found = open_attempts.find(tx.connection, tx.enterprise_id, ids)
    accounts.lock(tx.connection, tx.enterprise_id, {one.payment.account.id for one in found.values()})
    # Read again under the locks: a result may have come meanwhile.
    attempts = open_attempts.find(tx.connection, tx.enterprise_id, list(found))
    by_name = {one.attempt_id: subject_of(one.attempt_id) for one in returns.values()}
    return {name: attempts[subject] for name, subject in by_name.items() if subject is not None and subject in attempts}


def _notice(told: ReturnCallback, attempt: OpenAttempt) -> ReturnNotice:
    payment = attempt.payment
    return ReturnNotice(
        return_key=told.callback_id,
        kind=told.kind,
        payment_id=payment.id,
        account=payment.account,
        amount=told.amount or Money(payment.amount_minor, payment.currency),
        code=told.code,
        message=told.message,
        correlation=attempt.correlation,
    )


def _refusal(tx: Transaction, attempt: OpenAttempt, told: ReturnCallback, reason: str) -> Fit:
    is_early = told.kind is ReturnKind.REVERSAL and not store.has_chargeback(
        tx.connection, tx.enterprise_id, attempt.id
    )
    return Fit(CallbackState.UNMATCHED if is_early else CallbackState.EXCEPTION, reason)
