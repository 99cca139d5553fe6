"""Keep callbacks first, then apply each once: any order, any number of times, late or unknown (SPEC BIL-8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from boss_billing.callbacks import store
from boss_billing.callbacks.rules import (
    CallbackKind,
    CallbackState,
    Fit,
    ResultCallback,
    UpdateCallback,
    fit_result,
    fit_update,
)
from boss_billing.funding import inquiries
from boss_billing.funding.commands import Answer, take_answers
from boss_billing.funding.rules import CardUpdate, UpdateOutcome
from boss_billing.payments.settlement import load
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction

_TWICE = Fit(CallbackState.EXCEPTION, "Another callback of the same page is about the same thing.")


@dataclass(frozen=True)
class Tally:
    """What became of a page of callbacks."""

    applied: int
    repeated: int
    unmatched: int


def keep_results(tx: Transaction, results: Sequence[ResultCallback]) -> int:
    """Keep results of attempts; give how many were new."""
    rows = [(one.callback_id, _id(one.attempt_id), asdict(one)) for one in _first_of_each(results)]
    return _keep(tx, CallbackKind.PAYMENT_RESULT, rows)


def keep_updates(tx: Transaction, updates: Sequence[UpdateCallback]) -> int:
    """Keep answers of the card updater; give how many were new."""
    rows = [(one.callback_id, _id(one.inquiry_id), asdict(one)) for one in _first_of_each(updates)]
    return _keep(tx, CallbackKind.ACCOUNT_UPDATE, rows)


def apply_results(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Apply those of the results that nobody has applied yet."""
    kind = CallbackKind.PAYMENT_RESULT
    rows = store.received(tx.connection, tx.enterprise_id, kind, callback_ids)
    if not rows:
        return Tally(0, len(callback_ids), 0)
    page = load(tx, [row.subject_id for row in rows if row.subject_id is not None])
    fits: dict[str, Fit] = {}
    settled: set[UUID] = set()
    for row in rows:
        result = _result(row.body)
        attempt = page.attempts.get(row.subject_id)
        fit = fit_result(result, attempt)
        if attempt is not None and fit.state is CallbackState.APPLIED:
            if attempt.id in settled:
                fit = _TWICE
            else:
                settled.add(attempt.id)
                page.settle(attempt, result.code, result.message, result.transaction_id)
        fits[row.callback_id] = fit
    page.save()
    store.note(tx.connection, tx.enterprise_id, kind, fits)
    return _tally(len(callback_ids), fits)


def apply_updates(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Apply those of the card updater's answers that nobody has applied yet."""
    kind = CallbackKind.ACCOUNT_UPDATE
    rows = store.received(tx.connection, tx.enterprise_id, kind, callback_ids)
    if not rows:
        return Tally(0, len(callback_ids), 0)
    known = inquiries.find(
        tx.connection, tx.enterprise_id, [row.subject_id for row in rows if row.subject_id is not None]
    )
    fits: dict[str, Fit] = {}
    answers: dict[UUID, Answer] = {}
    for row in rows:
        update = _update(row.body)
        inquiry = known.get(row.subject_id)
        fit = fit_update(update, inquiry)
        if inquiry is not None and update.outcome is not None and fit.state is CallbackState.APPLIED:
            if inquiry.id in answers:
                fit = _TWICE
            else:
                change = CardUpdate(update.token, update.last4, update.expiry_month, update.expiry_year)
                answers[inquiry.id] = Answer(inquiry.id, update.outcome, change)
        fits[row.callback_id] = fit
    if answers:
        take_answers(tx, list(answers.values()))
    store.note(tx.connection, tx.enterprise_id, kind, fits)
    return _tally(len(callback_ids), fits)


def _keep(tx: Transaction, kind: CallbackKind, rows: Sequence[tuple[str, UUID | None, dict[str, Any]]]) -> int:
    return store.keep(tx.connection, tx.enterprise_id, kind, rows, tx.context.correlation, tx.now)


def _first_of_each(callbacks: Sequence[Any]) -> list[Any]:
    """Take each id once: an INSERT can't conflict with itself."""
    return list({one.callback_id: one for one in reversed(callbacks)}.values())[::-1]


def _tally(asked: int, fits: dict[str, Fit]) -> Tally:
    counts = Counter(fit.state for fit in fits.values())
    unmatched = counts[CallbackState.UNMATCHED] + counts[CallbackState.EXCEPTION]
    return Tally(counts[CallbackState.APPLIED], asked - counts[CallbackState.APPLIED] - unmatched, unmatched)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _result(body: dict[str, Any]) -> ResultCallback:
    amount = Money(**body["amount"]) if body["amount"] else None
    return ResultCallback(**{**body, "amount": amount})


def _update(body: dict[str, Any]) -> UpdateCallback:
    outcome = UpdateOutcome(body["outcome"]) if body["outcome"] else None
    return UpdateCallback(**{**body, "outcome": outcome})
