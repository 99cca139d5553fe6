"""Keep what the card updater says, and hand over what fits: answers, and news nobody asked for (SPEC BIL-4)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from boss_billing.callbacks import store
from boss_billing.callbacks.bodies import read_update
from boss_billing.callbacks.keeping import Tally, keep, subject_of, tally
from boss_billing.callbacks.rules import (
    TWICE,
    CallbackKind,
    CallbackState,
    Fit,
    Kept,
    UpdateCallback,
    fit_news,
    fit_update,
)
from boss_billing.funding import inquiries
from boss_billing.funding import store as funding
from boss_billing.funding.commands import Answer, take_answers
from boss_billing.funding.renewals import News, take_news
from boss_billing.funding.rules import CardUpdate
from boss_kit.unit_of_work import Transaction

KIND = CallbackKind.ACCOUNT_UPDATE


def keep_updates(tx: Transaction, updates: Sequence[UpdateCallback]) -> frozenset[str]:
    """Keep what the card updater says; give the ids of what is new."""
    story = tx.context.correlation
    return keep(tx, KIND, [Kept(one.callback_id, subject_of(one.inquiry_id), asdict(one), story) for one in updates])


def apply_updates(tx: Transaction, callback_ids: Sequence[str]) -> Tally:
    """Apply what nobody has applied yet of what the card updater says."""
    ids = store.lock_received(tx.connection, tx.enterprise_id, KIND, callback_ids)
    bodies = store.bodies(tx.connection, tx.enterprise_id, KIND, ids)
    updates = {one: read_update(bodies[one]) for one in ids}
    unasked = {one: told for one, told in updates.items() if told.current_token and not told.inquiry_id}
    asked = {one: told for one, told in updates.items() if one not in unasked}
    fits = {**_take_answers(tx, asked), **_take_news(tx, unasked)}
    store.note(tx.connection, tx.enterprise_id, KIND, fits)
    return tally(callback_ids, fits)


def _take_answers(tx: Transaction, updates: Mapping[str, UpdateCallback]) -> Mapping[str, Fit]:
    subjects = {one: subject_of(update.inquiry_id) for one, update in updates.items()}
    known = inquiries.find(tx.connection, tx.enterprise_id, [one for one in subjects.values() if one is not None])
    fits: dict[str, Fit] = {}
    answers: dict[UUID, Answer] = {}
    for callback_id, update in updates.items():
        subject = subjects[callback_id]
        inquiry = known.get(subject) if subject is not None else None
        fit = fit_update(update, inquiry)
        if inquiry is not None and update.outcome is not None and fit.state is CallbackState.APPLIED:
            if inquiry.id in answers:
                fit = TWICE
            else:
                answers[inquiry.id] = Answer(inquiry.id, update.outcome, _change(update))
        fits[callback_id] = fit
    if answers:
        take_answers(tx, list(answers.values()))
    return fits


def _take_news(tx: Transaction, updates: Mapping[str, UpdateCallback]) -> Mapping[str, Fit]:
    tokens = {update.current_token for update in updates.values()}
    known = funding.of_tokens(tx.connection, tx.enterprise_id, tokens)
    fits: dict[str, Fit] = {}
    news: dict[UUID, News] = {}
    for callback_id, update in updates.items():
        sources = known.get(update.current_token, ())
        fit = fit_news(update, len(sources))
        if update.outcome is not None and fit.state is CallbackState.APPLIED:
            if any(one in news for one in sources):
                fit = TWICE
            else:
                news |= {one: News(one, update.outcome, _change(update)) for one in sources}
        fits[callback_id] = fit
    take_news(tx, list(news.values()))
    return fits


def _change(update: UpdateCallback) -> CardUpdate:
    return CardUpdate(update.token, update.last4, update.expiry_month, update.expiry_year)
