"""Renew funding sources by what the card updater says (SPEC BIL-4)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.rules import Account
from boss_billing.batches import store as batches
from boss_billing.batches.commands import ask_for_submission
from boss_billing.batches.rules import Batch, BatchState
from boss_billing.declines import store as declines
from boss_billing.declines.rules import Per, first_allowed_day
from boss_billing.funding import inquiries, store
from boss_billing.funding.renewals import News, take_news, tell
from boss_billing.funding.rules import (
    BANK_DEBIT,
    CURES,
    MANUAL,
    NOTHING_NEW,
    CardUpdate,
    FundingSource,
    FundingSourceChanged,
    Inquiry,
    UpdateOutcome,
    told_of,
    update,
)
from boss_billing.invoices import store as invoices
from boss_billing.payments import open_attempts
from boss_billing.payments import store as payments
from boss_billing.payments.planners import days_of_cards
from boss_billing.payments.planning import NewAttempt
from boss_billing.payments.rules import Label, OpenAttempt, State
from boss_billing.payments.settlement import Settlement
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

NOT_NEWS = (UpdateOutcome.NO_CHANGE, UpdateOutcome.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the card updater says to one inquiry."""

    inquiry_id: UUID
    outcome: UpdateOutcome
    change: CardUpdate = NOTHING_NEW


def take_answers(tx: Transaction, answers: Sequence[Answer]) -> None:
    """Apply what the card updater says: a cured card is tried once more, any other payment is declined for good.

    Where it was asked ahead of a bill day, no payment waits for the answer.
    """
    known = inquiries.find(tx.connection, tx.enterprise_id, [answer.inquiry_id for answer in answers])
    ahead = [answer for answer in answers if known[answer.inquiry_id].payment_id is None]
    if ahead:
        _take_ahead(tx, ahead, known)
    declined = [answer for answer in answers if known[answer.inquiry_id].payment_id is not None]
    if declined:
        _take_declined(tx, declined, known)


def ask_ahead(tx: Transaction, due: Sequence[tuple[UUID, date]]) -> None:
    """Ask the card updater about the cards of accounts that have something due on a day; once for each day."""
    sources = store.recurring_sources(tx.connection, tx.enterprise_id, {account_id for account_id, _ in due})
    found = [
        (source, day)
        for account_id, day in sorted(set(due))
        for source in sources.get(account_id, ())
        if source.is_valid and source.tender not in (BANK_DEBIT, MANUAL)
    ]
    inquiries.add_ahead(tx.connection, found, tx.context.correlation, tx.now)


def _take_ahead(tx: Transaction, answers: Sequence[Answer], known: Mapping[UUID, Inquiry]) -> None:
    locked = accounts.lock(tx.connection, tx.enterprise_id, {known[one.inquiry_id].account_id for one in answers})
    # Most cards are as they were, which is kept with the inquiry and is no news.
    said = [answer for answer in answers if answer.outcome not in NOT_NEWS]
    take_news(tx, [News(known[one.inquiry_id].funding_source_id, one.outcome, one.change) for one in said])
    _mark_answered(tx, answers, known, locked)


def _take_declined(tx: Transaction, answers: Sequence[Answer], known: Mapping[UUID, Inquiry]) -> None:
    about = {answer.inquiry_id: known[answer.inquiry_id] for answer in answers}
    payment_ids = [one.payment_id for one in about.values() if one.payment_id is not None]
    originals = open_attempts.originals(tx.connection, tx.enterprise_id, payment_ids)
    locked = accounts.lock(tx.connection, tx.enterprise_id, {one.payment.account.id for one in originals.values()})
    page = Settlement(tx, locked, list(originals))
    by_payment = {attempt.payment.id: attempt for attempt in page.attempts.values()}
    sources = store.find(tx.connection, tx.enterprise_id, {one.funding_source_id for one in about.values()})
    retries: list[tuple[OpenAttempt, FundingSource]] = []
    changes: list[FundingSourceChanged] = []
    for answer in answers:
        inquiry = about[answer.inquiry_id]
        assert inquiry.payment_id is not None, "these are the inquiries about payments"
        attempt = by_payment[inquiry.payment_id]
        if answer.outcome is not UpdateOutcome.NO_ANSWER:
            before = sources[inquiry.funding_source_id]
            after = update(before, answer.change) if answer.outcome in CURES else told_of(before)
            sources[before.id] = after
            told = (after, before.last4, "card_updater", page.day(attempt), before, answer.outcome.value)
            changes.append(FundingSourceChanged(*told))
        if attempt.payment_state is not State.DECLINED:
            continue
        source = sources[inquiry.funding_source_id]
        if answer.outcome in CURES and _may_be_charged(source) and _is_still_owed(page, attempt):
            retries.append((attempt, source))
        else:
            page.decline_finally(attempt, attempt.response_code, attempt.response_message)
    tell(tx, changes)
    _mark_answered(tx, answers, known, page.accounts)
    now, later = _within_limits(tx, page, retries)
    _retry(tx, page, now)
    for attempt, _ in later:
        page.decline_finally(attempt, attempt.response_code, attempt.response_message)
    page.save()
    for attempt, day in later:
        invoices.plan_again(tx.connection, attempt.payment.account, day)


def _may_be_charged(source: FundingSource) -> bool:
    """Tell whether nobody said stop meanwhile: its holder, to whom another payment was declined, or staff."""
    return source.is_valid and source.is_active


def _is_still_owed(page: Settlement, attempt: OpenAttempt) -> bool:
    """Tell whether the invoice still owes what the payment asks for; else a retry would take too much."""
    return page.invoices[attempt.invoice_id].balance_minor >= attempt.payment.amount_minor


def _within_limits(
    tx: Transaction, page: Settlement, retries: Sequence[tuple[OpenAttempt, FundingSource]]
) -> tuple[list[tuple[OpenAttempt, FundingSource]], list[tuple[OpenAttempt, date]]]:
    """Tell which retries the networks allow today, and of the others the day from which they do (SPEC BIL-5)."""
    if not retries:
        return [], []
    limits = [one for one in declines.attempt_limits(tx.connection, tx.enterprise_id) if one.per is Per.SOURCE]
    first = min(page.day(attempt) for attempt, _ in retries)
    asked = Counter(source.token for _, source in retries)
    tried = defaultdict(list, days_of_cards(tx.connection, tx.enterprise_id, limits, asked, first))
    now, later = [], []
    for attempt, source in retries:
        today = page.day(attempt)
        of_tender = [one for one in limits if one.tender == source.tender]
        allowed = first_allowed_day(of_tender, tried[source.token], today)
        if allowed > today:
            later.append((attempt, allowed))
        else:
            tried[source.token].append(today)
            now.append((attempt, source))
    return now, later


def _mark_answered(
    tx: Transaction, answers: Sequence[Answer], known: Mapping[UUID, Inquiry], locked: Mapping[UUID, Account]
) -> None:
    by_day: dict[date, dict[UUID, str]] = {}
    for answer in answers:
        day = tx.today(locked[known[answer.inquiry_id].account_id].time_zone)
        by_day.setdefault(day, {})[answer.inquiry_id] = answer.outcome.value
    for day, outcomes in by_day.items():
        inquiries.mark_answered(tx.connection, tx.enterprise_id, outcomes, day)


def _retry(tx: Transaction, page: Settlement, retries: Sequence[tuple[OpenAttempt, FundingSource]]) -> None:
    """Cut Retry batches, one per Original, and ask for their submission (SPEC BIL-3)."""
    by_batch: dict[UUID, list[tuple[OpenAttempt, FundingSource]]] = {}
    for attempt, source in retries:
        assert attempt.batch_id is not None, "a declined payment was submitted in a batch"
        by_batch.setdefault(attempt.batch_id, []).append((attempt, source))
    originals = [batches.find(tx.connection, tx.enterprise_id, batch_id) for batch_id in by_batch]
    cut: dict[date, list[UUID]] = {}
    for original in sorted((one for one in originals if one is not None), key=lambda one: one.number):
        pairs = by_batch[original.id]
        day = page.day(pairs[0][0])
        batch = _cut(tx, original)
        attempts = [_retry_attempt(page, batch, attempt, source) for attempt, source in pairs]
        payments.add_attempts(tx.connection, attempts, tx.context.correlation, tx.now)
        cut.setdefault(day, []).append(batch.id)
    for day, batch_ids in cut.items():
        ask_for_submission(tx, batch_ids, day)


def _cut(tx: Transaction, original: Batch) -> Batch:
    batch = Batch(
        original.enterprise_id,
        original.business_unit_id,
        new_id(),
        original.bill_run_id,
        original.number,
        Label.RETRY,
        original.bill_date,
        BatchState.CUT,
    )
    part = batches.count_parts(tx.connection, original.enterprise_id, original.number, Label.RETRY) + 1
    batches.add(tx.connection, [batch], part, tx.now)
    return batch


def _retry_attempt(page: Settlement, batch: Batch, attempt: OpenAttempt, source: FundingSource) -> NewAttempt:
    invoice = page.retry(attempt)
    return NewAttempt(
        new_id(),
        attempt.payment,
        source,
        page.accounts[invoice.account.id].number,
        invoice,
        attempt.bill_run_id,
        batch.id,
        Label.RETRY,
        invoice.attempts,
        page.day(attempt),
        batch.bill_date,
    )
