"""Note what became of a batch on its way to the processor (SPEC BIL-8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.batches import store
from boss_billing.batches.rules import SUBMIT_TASK, Batch, BatchState, deal
from boss_billing.payments.rules import Label, Payment, PaymentSubmitted, State
from boss_billing.runs import store as runs
from boss_billing.runs.rules import RunState
from boss_kit.unit_of_work import Transaction

ASK_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Answered:
    """What became of a batch and its payments on their way: the processor has them, or nobody knows."""

    batch: Batch
    payments: Sequence[Payment]
    is_known: bool


def ask_for_submission(tx: Transaction, batch_ids: Sequence[UUID], day: date, attempt: str = "") -> None:
    """Ask for the submission of batches of one enterprise; small ones go together."""
    sizes = store.sizes(tx.connection, tx.enterprise_id, batch_ids)
    for group in deal([(one, sizes.get(one, 0)) for one in batch_ids]):
        key = f"{group[0]}/{attempt}" if attempt else str(group[0])
        tx.enqueue(SUBMIT_TASK, key=key, args={"batches": ",".join(map(str, group))}, business_date=day)


def begin_submission(tx: Transaction, batch_ids: Sequence[UUID]) -> Sequence[Batch]:
    """Write that batches are on their way, before they are; give them as they were, which tells what was sent before.

    Those the processor has are left out.
    """
    found = store.begin(tx.connection, tx.enterprise_id, batch_ids)
    return [one for one in found if one.state is not BatchState.SUBMITTED]


def put_back(tx: Transaction, before: Batch) -> None:
    """Give a batch that didn't come to the processor its former state."""
    store.put_back(tx.connection, before)


def note_answers(tx: Transaction, answers: Sequence[Answered]) -> None:
    """Note what the processor has: its payments are submitted, and everybody may know (SPEC BIL-1).

    What nobody knows of is unknown with its payments, never declined (SPEC BIL-8).
    """
    # Who changes payments has locked their accounts; most of them are pending already.
    changing = [of for of in answers if not of.is_known or not of.batch.is_pending]
    accounts.hold(tx.connection, tx.enterprise_id, {one.account.id for of in changing for one in of.payments})
    present = {one.id: one for one in begin_submission(tx, [one.batch.id for one in answers])}
    known = [present[one.batch.id] for one in answers if one.is_known and one.batch.id in present]
    unknown = [present[one.batch.id] for one in answers if not one.is_known and one.batch.id in present]
    to_set = [one for one in known if not one.is_pending]
    store.set_state(tx.connection, tx.enterprise_id, known, BatchState.SUBMITTED)
    store.set_payments_state(tx.connection, tx.enterprise_id, to_set, State.PENDING)
    store.set_state(tx.connection, tx.enterprise_id, unknown, BatchState.UNKNOWN)
    store.set_payments_state(tx.connection, tx.enterprise_id, unknown, State.UNKNOWN)
    payments = {one.batch.id: one.payments for one in answers}
    for batch in known:
        day = tx.context.business_date or batch.bill_date
        retry = batch.label == Label.RETRY
        submitted = [one._replace(kind=Label.RETRY) if retry else one for one in payments[batch.id]]
        tx.publish(*(PaymentSubmitted(one, day) for one in submitted))
    # Who submits other batches of a run waits for its row no longer than for our commit.
    tx.flush()
    for run_id in dict.fromkeys(batch.bill_run_id for batch in known):
        _finish_run(tx, run_id)


def ask_again(tx: Transaction, batch_ids: Sequence[UUID], attempt: str) -> None:
    """Ask for the submission of batches nobody knows about once more."""
    by_day: dict[date, list[UUID]] = {}
    for one in store.find_all(tx.connection, tx.enterprise_id, batch_ids):
        if one.state is BatchState.UNKNOWN:
            by_day.setdefault(one.bill_date, []).append(one.id)
    for day, ids in by_day.items():
        ask_for_submission(tx, ids, day, attempt)


def ask_for_overdue(tx: Transaction, limit: int) -> Mapping[UUID, Sequence[UUID]]:
    """Choose attempts of days gone by that have no result, by enterprise, and note that somebody asks for them now."""
    overdue = store.overdue(tx.connection, tx.now.date(), tx.now - ASK_AGAIN_AFTER, limit)
    store.note_asked(tx.connection, overdue, tx.now)
    by_enterprise: dict[UUID, list[UUID]] = {}
    for enterprise_id, attempt_id in overdue:
        by_enterprise.setdefault(enterprise_id, []).append(attempt_id)
    return by_enterprise


def _finish_run(tx: Transaction, run_id: UUID) -> None:
    run = runs.lock_run(tx.connection, tx.enterprise_id, run_id)
    if run.state is RunState.SUBMITTING and not store.has_open(tx.connection, tx.enterprise_id, run.id):
        runs.set_state(tx.connection, run, RunState.SUBMITTED)
