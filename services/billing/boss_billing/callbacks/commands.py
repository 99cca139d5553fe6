"""Keep callbacks first, then apply each once: any order, any number of times, late or unknown (SPEC BIL-8)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from boss_billing.callbacks import store
from boss_billing.callbacks.bodies import read_deposit, read_result
from boss_billing.callbacks.keeping import Tally, keep, subject_of, tally
from boss_billing.callbacks.returns import apply_waiting
from boss_billing.callbacks.rules import (
    APPLY,
    TWICE,
    CallbackKind,
    CallbackState,
    DepositCallback,
    Fit,
    Kept,
    ResultCallback,
    fit_result,
)
from boss_billing.deposits.commands import take_deposits
from boss_billing.deposits.rules import DepositNotice, Outcome
from boss_billing.payments.settlement import load
from boss_kit.unit_of_work import Transaction


def keep_results(tx: Transaction, results: Sequence[ResultCallback]) -> frozenset[str]:
    """Keep results of attempts; give the ids of those that are new."""
    return keep(tx, CallbackKind.PAYMENT_RESULT, [kept_result(one, tx.context.correlation) for one in results])


def keep_deposits(tx: Transaction, deposits: Sequence[DepositCallback]) -> frozenset[str]:
    """Keep deposits; give the ids of those that are new."""
    story = tx.context.correlation
    return keep(tx, CallbackKind.DEPOSIT, [Kept(one.callback_id, None, asdict(one), story) for one in deposits])


def kept_result(result: ResultCallback, correlation: str) -> Kept:
    """Give a result as it is kept."""
    amount = result.amount
    body = {
        "callback_id": result.callback_id,
        "attempt_id": result.attempt_id,
        "transaction_id": result.transaction_id,
        "code": result.code,
        "message": result.message,
        "amount": {"amount_minor": amount.amount_minor, "currency": amount.currency} if amount else None,
    }
    return Kept(result.callback_id, subject_of(result.attempt_id), body, correlation)


def apply_results(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Apply those of the results that nobody has applied yet."""
    return tally(callback_ids, settle_results(tx, callback_ids, {}))


def settle_results(
    tx: Transaction, callback_ids: Sequence[str], fresh: Mapping[str, ResultCallback]
) -> Mapping[str, Fit]:
    """Apply results and say how each that was open fits; what `fresh` holds needn't be read again."""
    kind = CallbackKind.PAYMENT_RESULT
    ids = store.claim(tx.connection, tx.enterprise_id, kind, callback_ids)
    if not ids:
        return {}
    stale = store.bodies(tx.connection, tx.enterprise_id, kind, [one for one in ids if one not in fresh])
    results = {one: fresh[one] if one in fresh else read_result(stale[one]) for one in ids}
    subjects = {one: subject_of(result.attempt_id) for one, result in results.items()}
    page = load(tx, {subject for subject in subjects.values() if subject is not None})
    fits: dict[str, Fit] = {}
    settled: set[UUID] = set()
    for callback_id, result in results.items():
        subject = subjects[callback_id]
        attempt = page.attempts.get(subject) if subject is not None else None
        fit = fit_result(result, attempt)
        if attempt is not None and fit.state is CallbackState.APPLIED:
            if attempt.id in settled:
                fit = TWICE
            else:
                settled.add(attempt.id)
                page.settle(attempt, result.code, result.message, result.transaction_id)
        fits[callback_id] = fit
    page.save()
    not_fitting = {one: fit for one, fit in fits.items() if fit.state is not CallbackState.APPLIED}
    store.note(tx.connection, tx.enterprise_id, kind, not_fitting)
    apply_waiting(tx, settled)
    return fits


def apply_deposits(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Hand over those of the deposits that nobody has handed over yet; one told otherwise before is an exception."""
    kind = CallbackKind.DEPOSIT
    ids = store.lock_received(tx.connection, tx.enterprise_id, kind, callback_ids)
    bodies = store.bodies(tx.connection, tx.enterprise_id, kind, ids)
    taken = take_deposits(tx, [_notice(read_deposit(bodies[one])) for one in ids])
    fits = {
        callback_id: Fit(CallbackState.EXCEPTION, one.reason) if one.outcome is Outcome.CONFLICT else APPLY
        for callback_id, one in zip(ids, taken, strict=True)
    }
    store.note(tx.connection, tx.enterprise_id, kind, fits)
    return tally(callback_ids, fits)


def _notice(told: DepositCallback) -> DepositNotice:
    return DepositNotice(
        deposit_key=told.callback_id.removeprefix(f"{told.source}/"),
        source=told.source,
        statement=told.statement,
        deposit_date=told.deposit_date,
        batch_number=told.batch_number,
        label=told.label,
        tender=told.tender,
        gross_minor=told.gross_minor,
        fee_minor=told.fee_minor,
        currency=told.currency,
        transaction_id=told.transaction_id,
    )
