"""Note what became of a batch on its way to the processor (SPEC BIL-8)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.batches import store
from boss_billing.batches.rules import SUBMIT_TASK, Batch, BatchState
from boss_billing.payments.rules import Label, PaymentSubmitted, State
from boss_billing.runs import store as runs
from boss_billing.runs.rules import RunState
from boss_kit.unit_of_work import Transaction

ASK_AGAIN_AFTER = timedelta(hours=1)


def begin_submission(tx: Transaction, batch_id: UUID) -> Batch:
    """Write that a batch is on its way, before it is; give it as it was, which tells whether it was sent before."""
    return store.begin(tx.connection, tx.enterprise_id, batch_id)


def note_submitted(tx: Transaction, batch: Batch) -> None:
    """Note that the processor has a batch: its payments are pending, and everybody may know (SPEC BIL-1)."""
    accounts.lock(tx.connection, batch.enterprise_id, store.accounts_of(tx.connection, batch))
    present = store.begin(tx.connection, batch.enterprise_id, batch.id)
    if present.state is BatchState.SUBMITTED:
        return
    store.set_state(tx.connection, batch, BatchState.SUBMITTED, State.PENDING)
    retry = batch.label == Label.RETRY
    for payment in store.payments_of(tx.connection, batch):
        told = replace(payment, kind=Label.RETRY) if retry else payment
        tx.publish(PaymentSubmitted(told, tx.context.business_date or batch.bill_date))
    _finish_run(tx, batch)


def note_unknown(tx: Transaction, batch: Batch) -> None:
    """Note that nobody knows if the processor has a batch: its payments are unknown, never declined (SPEC BIL-8)."""
    accounts.lock(tx.connection, batch.enterprise_id, store.accounts_of(tx.connection, batch))
    present = store.begin(tx.connection, batch.enterprise_id, batch.id)
    if present.state is not BatchState.SUBMITTED:
        store.set_state(tx.connection, batch, BatchState.UNKNOWN, State.UNKNOWN)


def ask_again(tx: Transaction, enterprise_id: UUID, batch_id: UUID, attempt: str) -> None:
    """Ask for the submission of a batch nobody knows about once more."""
    batch = store.find(tx.connection, enterprise_id, batch_id)
    if batch is None or batch.state is not BatchState.UNKNOWN:
        return
    tx.enqueue(
        SUBMIT_TASK,
        key=f"{batch_id}/{attempt}",
        args={"batch": str(batch_id)},
        business_date=batch.bill_date,
        enterprise_id=enterprise_id,
    )


def ask_for_overdue(tx: Transaction, limit: int) -> Mapping[UUID, Sequence[UUID]]:
    """Choose attempts of days gone by that have no result, by enterprise, and note that somebody asks for them now."""
    overdue = store.overdue(tx.connection, tx.now.date(), tx.now - ASK_AGAIN_AFTER, limit)
    store.note_asked(tx.connection, overdue, tx.now)
    by_enterprise: dict[UUID, list[UUID]] = {}
    for enterprise_id, attempt_id in overdue:
        by_enterprise.setdefault(enterprise_id, []).append(attempt_id)
    return by_enterprise


def _finish_run(tx: Transaction, batch: Batch) -> None:
    run = runs.lock_run(tx.connection, batch.enterprise_id, batch.bill_run_id)
    if run.state is RunState.SUBMITTING and not store.has_open(tx.connection, batch.enterprise_id, run.id):
        runs.set_state(tx.connection, run, RunState.SUBMITTED)
