"""The life of a bill run: drafted, approved, started, cancelled, resumed (SPEC BIL-1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_billing.batches import store as batches
from boss_billing.batches.commands import ask_for_submission
from boss_billing.runs import store
from boss_billing.runs.rules import (
    BillRun,
    RunState,
    Scope,
    Shard,
    check_is_approved,
    check_may_approve,
    check_may_cancel,
    check_may_resume,
    check_may_start,
    task_key,
    write_shards,
)
from boss_billing.units import store as units
from boss_kit.errors import AlreadyExists, InvalidArgument, NotFound
from boss_kit.ids import new_id
from boss_kit.unit_of_work import JsonScalar, Transaction

PLAN_TASK = "bill-run-plan"
SHARD_TASK = "bill-run-shard"
WITHDRAW_TASK = "bill-run-withdraw"


@dataclass(frozen=True)
class StartBillRun:
    """A run as it is asked for, and who lets it go where that is still to be done: whoever asks, if nobody is named."""

    scope: Scope
    bill_date: date
    approved_by: str | None = None


def create_run(tx: Transaction, command: StartBillRun) -> BillRun:
    """Draft a run, which does nothing until it is approved and started.

    Raises NotFound without a unit, InvalidArgument for a later day, AlreadyExists when the day has a run.
    """
    run = _new_run(tx, command)
    if not store.add_run(tx.connection, run, tx.context.actor.user, tx.now):
        there = store.lock_run_of_day(tx.connection, command.scope, command.bill_date)
        text = f"This day has a bill run already; it is {there.state}."
        raise AlreadyExists("BILL_RUN_EXISTS", text, metadata={"bill_run_id": str(there.id)})
    return run


def approve_run(tx: Transaction, run_id: UUID) -> None:
    """Let a draft go. Raises NotFound, FailedPrecondition for what isn't a draft."""
    run = _lock(tx, run_id)
    check_may_approve(run)
    store.approve(tx.connection, run, tx.context.actor.user)


def start_run(tx: Transaction, command: StartBillRun) -> BillRun:
    """Create, approve and start a run in one go; start an approved one; leave one that has begun as it is.

    Raises NotFound without a unit, InvalidArgument for a later day, FailedPrecondition for a draft or a cancelled run,
    or where there is none and nobody lets it go.
    """
    run = _new_run(tx, command)
    if store.add_run(tx.connection, run, tx.context.actor.user, tx.now):
        approved_by = tx.context.actor.user if command.approved_by is None else command.approved_by
        check_is_approved(approved_by)
        store.approve(tx.connection, run, approved_by)
    else:
        run = store.lock_run_of_day(tx.connection, command.scope, command.bill_date)
        check_may_start(run)
        if run.state is not RunState.APPROVED:
            return run
    return _begin_round(tx, run)


def cancel_run(tx: Transaction, run_id: UUID) -> None:
    """Stop a run: what is billed stays, the rest isn't, and payments nobody has sent are taken back.

    Raises NotFound, FailedPrecondition once its batches are cut.
    """
    run = _lock(tx, run_id)
    check_may_cancel(run)
    store.set_state(tx.connection, run, RunState.CANCELLED)
    _enqueue(tx, run, WITHDRAW_TASK)


def resume_run(tx: Transaction, run_id: UUID) -> None:
    """Go a further round: bill what a cancelled run left, or what has become due since; nothing twice.

    A run that is under way goes on by itself and stays as it is. Raises NotFound, FailedPrecondition without approval.
    """
    run = _lock(tx, run_id)
    check_may_resume(run)
    if run.state in (RunState.CANCELLED, RunState.SUBMITTED):
        _begin_round(tx, replace(run, round=run.round + 1))


def require_run(tx: Transaction, run_id: UUID) -> BillRun:
    """Read a run. Raises LookupError for one that isn't there."""
    run = store.find_run(tx.connection, tx.enterprise_id, run_id)
    if run is None:
        raise LookupError(f"there is no bill run {run_id}")
    return run


def plan_run(tx: Transaction, run: BillRun, tasks: Sequence[Sequence[Shard]]) -> bool:
    """Write a round's shards and ask for their work; a round that is planned, or cancelled, stays as it is."""
    now = store.lock_run(tx.connection, tx.enterprise_id, run.id)
    if now.is_planned or now.round != run.round or now.state is not RunState.BILLING:
        return False
    store.plan(tx.connection, run, [shard for shards in tasks for shard in shards])
    for shards in tasks:
        args: dict[str, JsonScalar] = {"run": str(run.id), "shards": write_shards(shards), "round": run.round}
        key = f"{task_key(run)}/{shards[0].business_unit_id}/{shards[0].number}"
        tx.enqueue(SHARD_TASK, key=key, args=args, business_date=run.bill_date)
    return True


def cut_batches(tx: Transaction, run_id: UUID) -> None:
    """Cut a round's payments into batches and ask for their submission (SPEC BIL-3); once."""
    run = store.lock_run(tx.connection, tx.enterprise_id, run_id)
    if run.state is not RunState.BILLING:
        return
    unit_ids = list(units.units_of(tx.connection, run.enterprise_id))
    cut = batches.cut(tx.connection, run.enterprise_id, run.id, run.bill_date, tx.now, unit_ids)
    ask_for_submission(tx, cut, run.bill_date)
    store.set_state(tx.connection, run, RunState.SUBMITTING if cut else RunState.SUBMITTED)


def _new_run(tx: Transaction, command: StartBillRun) -> BillRun:
    scope = command.scope
    billed = scope.units(units.units_of(tx.connection, scope.enterprise_id))
    if not billed:
        text = "Billing knows no business unit there; create it in agreements first."
        raise NotFound("BUSINESS_UNIT_NOT_FOUND", text, metadata={"scope": scope.name})
    today = max(tx.today(unit.time_zone) for unit in billed.values())
    if command.bill_date > today:
        raise InvalidArgument.field(
            "bill_date", f"lies after the business date {today}; a day is billed when it has come."
        )
    currency = next(iter(billed.values())).currency
    return BillRun(
        scope.enterprise_id, new_id(), scope, command.bill_date, RunState.DRAFT, is_planned=False, currency=currency
    )


def _begin_round(tx: Transaction, run: BillRun) -> BillRun:
    store.begin_round(tx.connection, run)
    _enqueue(tx, run, PLAN_TASK)
    return replace(run, state=RunState.BILLING)


def _enqueue(tx: Transaction, run: BillRun, task: str) -> None:
    tx.enqueue(task, key=task_key(run), args={"run": str(run.id)}, business_date=run.bill_date)


def _lock(tx: Transaction, run_id: UUID) -> BillRun:
    if store.find_run(tx.connection, tx.enterprise_id, run_id) is None:
        raise NotFound("BILL_RUN_NOT_FOUND", f"There is no bill run {run_id}.", metadata={"bill_run_id": str(run_id)})
    return store.lock_run(tx.connection, tx.enterprise_id, run_id)
