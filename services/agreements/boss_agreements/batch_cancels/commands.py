"""Look for those who owe, confirm what was found, cancel row by row (SPEC AGR-12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.commands import hold_day
from boss_agreements.batch_cancels import rules, store
from boss_agreements.batch_cancels.queries import Progress, get_batch, not_found
from boss_agreements.batch_cancels.rules import Candidate, Criteria, Debt
from boss_agreements.batch_cancels.store import BatchCancel, Owing, Row
from boss_agreements.cancellations.commands import request_cancellation
from boss_agreements.cancellations.queries import RequestCancellation
from boss_agreements.groups.queries import get_group
from boss_agreements.groups.rules import FOLLOW
from boss_agreements.organization.queries import get_unit
from boss_agreements.reasons.queries import get_cancel_reason
from boss_agreements.reasons.rules import check_approval
from boss_kit.errors import BossError, Transient
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

COLLECT_TASK, RUN_TASK = "batch-cancel-collect", "batch-cancel-run"


@dataclass(frozen=True)
class CreateBatchCancel:
    """A batch as it is asked for."""

    enterprise_id: UUID
    business_unit_id: UUID
    reason_id: UUID
    criteria: Criteria


def create_batch(tx: Transaction, command: CreateBatchCancel) -> Progress:
    """Begin to look for those who owe. Raises InvalidArgument, FailedPrecondition for a reason that refunds."""
    rules.check_criteria(command.criteria)
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    reason = get_cancel_reason(tx, command.enterprise_id, command.business_unit_id, command.reason_id)
    rules.check_reason(reason.name, refunds=reason.refund)
    check_approval(reason, tx.context.actor)
    made = BatchCancel(
        new_id(),
        command.enterprise_id,
        command.business_unit_id,
        rules.COLLECTING,
        reason.id,
        reason.name,
        command.criteria,
        tx.today(unit.time_zone),
        tx.now,
    )
    store.add(tx.connection, made)
    tx.enqueue(COLLECT_TASK, key=str(made.id), args={"batch_id": str(made.id)})
    return Progress(made, {})


def keep_rows(tx: Transaction, batch: BatchCancel, debts: Sequence[Debt], paid_on: Mapping[UUID, date]) -> None:
    """Keep what was found, each agreement in or out with its reason; the batch is ready to be looked at."""
    locked = store.find(tx.connection, batch.enterprise_id, None, batch.id, for_update=True)
    if locked is None or locked.state != rules.COLLECTING:
        return
    owing = store.owing(tx.connection, batch.enterprise_id, [debt.agreement_id for debt in debts])
    found = [debt for debt in debts if debt.agreement_id in owing]
    rows = [
        _row(number, debt, owing[debt.agreement_id], batch.criteria, paid_on.get(debt.account_id))
        for number, debt in enumerate(found, 1)
    ]
    store.add_rows(tx.connection, batch.enterprise_id, batch.id, rows)
    store.save_state(tx.connection, batch.enterprise_id, batch.id, rules.READY)


def confirm_batch(tx: Transaction, enterprise_id: UUID, unit_id: UUID, batch_id: UUID, expected_rows: int) -> Progress:
    """Cancel what was looked at. Raises NotFound, FailedPrecondition."""
    batch = _lock(tx, enterprise_id, unit_id, batch_id)
    rules.check_state(batch.state, rules.READY)
    rules.check_rows(expected_rows, store.included(tx.connection, enterprise_id, batch_id))
    store.save_state(tx.connection, enterprise_id, batch_id, rules.RUNNING)
    tx.enqueue(RUN_TASK, key=str(batch_id), args={"batch_id": str(batch_id)})
    return get_batch(tx, enterprise_id, unit_id, batch_id)


def discard_batch(tx: Transaction, enterprise_id: UUID, unit_id: UUID, batch_id: UUID) -> Progress:
    """Leave everybody alone. Raises NotFound, FailedPrecondition."""
    batch = _lock(tx, enterprise_id, unit_id, batch_id)
    rules.check_state(batch.state, rules.READY)
    store.save_state(tx.connection, enterprise_id, batch_id, rules.DISCARDED)
    return get_batch(tx, enterprise_id, unit_id, batch_id)


def cancel_rows(tx: Transaction, batch: BatchCancel, rows: Sequence[Row], past_due: Mapping[UUID, int]) -> None:
    """Cancel the agreements of a page of rows, each for itself: one that is refused says why and stops no other."""
    for row in rows:
        outcome, detail = rules.CANCELLED, ""
        if past_due.get(row.account_id, 0) < max(batch.criteria.minimum_minor, 1):
            outcome, detail = rules.SKIPPED, "Less is past due by now."
        else:
            try:
                with tx.savepoint():
                    _cancel(tx, batch, row.agreement_id)
            except Transient:
                raise
            except BossError as error:
                outcome, detail = rules.REFUSED, error.message
        store.save_outcome(tx.connection, batch.enterprise_id, batch.id, row.number, outcome, detail)


def finish(tx: Transaction, batch: BatchCancel) -> None:
    """Close a batch whose rows are all answered."""
    store.save_state(tx.connection, batch.enterprise_id, batch.id, rules.DONE)


def _cancel(tx: Transaction, batch: BatchCancel, agreement_id: UUID) -> None:
    """Cancel an agreement today; nothing goes back, the balance stays owed. Its group says if add-ons follow."""
    today = hold_day(tx, batch.enterprise_id, batch.business_unit_id)
    command = RequestCancellation(
        batch.enterprise_id,
        batch.business_unit_id,
        agreement_id,
        today,
        today,
        (),
        batch.reason_id,
        comments="Past-due batch cancel",
        nothing_back=True,
    )
    (agreement,) = agreements.lock(tx.connection, batch.enterprise_id, [agreement_id])
    if agreement.group_id is not None:
        group = get_group(tx, batch.enterprise_id, batch.business_unit_id, agreement.group_id)
        if group.on_batch_cancel == FOLLOW:
            for add_on in agreements.live_add_ons(tx.connection, batch.enterprise_id, agreement_id):
                request_cancellation(tx, replace(command, agreement_id=add_on.id))
    request_cancellation(tx, command)


def _row(number: int, debt: Debt, owing: Owing, criteria: Criteria, paid_on: date | None) -> Row:
    why = rules.why_excluded(Candidate(owing.status, owing.group_type, owing.role, paid_on), criteria)
    return Row(
        number,
        debt.agreement_id,
        owing.number,
        owing.display_name,
        owing.account_id,
        debt.amount_minor,
        debt.oldest_due_date,
        rules.EXCLUDED if why else rules.INCLUDED,
        why,
    )


def _lock(tx: Transaction, enterprise_id: UUID, unit_id: UUID, batch_id: UUID) -> BatchCancel:
    found = store.find(tx.connection, enterprise_id, unit_id, batch_id, for_update=True)
    if found is None:
        raise not_found(batch_id)
    return found
