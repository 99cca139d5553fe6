"""Keep results of refunds, and hand over those that fit: each once, whichever way it came (SPEC BIL-8, BIL-11)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.callbacks import store
from boss_billing.callbacks.bodies import read_refund_result
from boss_billing.callbacks.keeping import Tally, keep, subject_of, tally
from boss_billing.callbacks.rules import (
    TWICE,
    CallbackKind,
    CallbackState,
    Fit,
    Kept,
    RefundCallback,
    fit_refund,
)
from boss_billing.refunds import store as refunds
from boss_billing.refunds.commands import take_answer
from boss_billing.refunds.rules import Refund, RefundAnswer
from boss_kit.unit_of_work import Transaction

KIND = CallbackKind.REFUND_RESULT


def keep_refund_results(tx: Transaction, results: Sequence[RefundCallback]) -> frozenset[str]:
    """Keep results of refunds; give the ids of those that are new."""
    story = tx.context.correlation
    return keep(tx, KIND, [Kept(one.callback_id, subject_of(one.refund_id), asdict(one), story) for one in results])


def apply_refund_results(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Hand over those of the results that nobody has handed over yet."""
    ids = store.lock_received(tx.connection, tx.enterprise_id, KIND, callback_ids)
    bodies = store.bodies(tx.connection, tx.enterprise_id, KIND, ids)
    results = {one: read_refund_result(bodies[one]) for one in ids}
    subjects = {one: subject_of(result.refund_id) for one, result in results.items()}
    known = _locked(tx, {one for one in subjects.values() if one is not None})
    fits: dict[str, Fit] = {}
    answered: set[UUID] = set()
    for callback_id, result in results.items():
        subject = subjects[callback_id]
        refund = known.get(subject) if subject is not None else None
        fit = fit_refund(result, refund)
        if refund is not None and fit.state is CallbackState.APPLIED:
            if refund.id in answered:
                fit = TWICE
            else:
                answered.add(refund.id)
                take_answer(tx, refund.id, RefundAnswer(result.code, result.message, result.transaction_id))
        fits[callback_id] = fit
    store.note(tx.connection, tx.enterprise_id, KIND, fits)
    return tally(callback_ids, fits)


def _locked(tx: Transaction, ids: Collection[UUID]) -> Mapping[UUID, Refund]:
    found = refunds.find_all(tx.connection, tx.enterprise_id, ids)
    accounts.lock(tx.connection, tx.enterprise_id, {one.account.id for one in found.values()})
    # Read again under the locks: another answer may have come meanwhile.
    return refunds.find_all(tx.connection, tx.enterprise_id, list(found))
