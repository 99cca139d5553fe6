"""The steps of a bill run, a transaction each; every one may be repeated (SPEC BIL-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.commands import announce
from boss_billing.accounts.rules import Account
from boss_billing.batches import store as batches
from boss_billing.batches.rules import SUBMIT_TASK
from boss_billing.declines import store as declines
from boss_billing.declines.rules import Per
from boss_billing.funding import store as funding
from boss_billing.funding.rules import FundingSource
from boss_billing.invoices import store as invoices
from boss_billing.invoices.rules import (
    REFUSAL_TEXTS,
    ChargeBilled,
    ChargeRefused,
    DueCharge,
    Invoice,
    InvoiceCreated,
    Refusal,
)
from boss_billing.ledger import store as ledger
from boss_billing.payments import store as payments
from boss_billing.payments.planning import NewAttempt, NotPaid, Planner
from boss_billing.runs import store
from boss_billing.runs.rules import BilledPage, BillRun, DuePage, RunState, Shard, Skip, bill, no_account
from boss_billing.units import store as units
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.ids import new_id
from boss_kit.unit_of_work import JsonScalar, Transaction

PLAN_TASK = "bill-run-plan"
SHARD_TASK = "bill-run-shard"
COLLECT_TASK = "bill-run-collect"
COLLECT_PAGE = 1000


@dataclass(frozen=True)
class StartBillRun:
    """A run as it is asked for: for an enterprise, or one unit of it."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    bill_date: date


def start_run(tx: Transaction, command: StartBillRun) -> BillRun:
    """Start a run, or go on with the one there is. Raises NotFound without a unit, InvalidArgument for a later day."""
    known = units.units_of(tx.connection, command.enterprise_id)
    scope = (
        known
        if command.business_unit_id is None
        else {one: unit for one, unit in known.items() if one == command.business_unit_id}
    )
    if not scope:
        raise NotFound(
            "BUSINESS_UNIT_NOT_FOUND", "Billing knows no business unit there; create it in agreements first."
        )
    today = max(tx.today(unit.time_zone) for unit in scope.values())
    if command.bill_date > today:
        raise InvalidArgument.field(
            "bill_date", f"lies after the business date {today}; a day is billed when it has come."
        )
    currency = next(iter(scope.values())).currency
    scope_id = command.business_unit_id or command.enterprise_id
    run = BillRun(command.enterprise_id, new_id(), scope_id, command.bill_date, RunState.BILLING, False, currency)
    if not store.add_run(tx.connection, run, tx.now):
        return store.find_run_of_day(tx.connection, command.enterprise_id, scope_id, command.bill_date)
    tx.enqueue(PLAN_TASK, key=str(run.id), args={"run": str(run.id)}, business_date=run.bill_date)
    return run


def require_run(tx: Transaction, run_id: UUID) -> BillRun:
    """Read a run. Raises LookupError for one that isn't there."""
    run = store.find_run(tx.connection, tx.enterprise_id, run_id)
    if run is None:
        raise LookupError(f"there is no bill run {run_id}")
    return run


def plan_run(tx: Transaction, run_id: UUID, shards: Sequence[Shard]) -> None:
    """Write a run's shards and ask for their work; a planned run stays as it is."""
    run = store.lock_run(tx.connection, tx.enterprise_id, run_id)
    if run.is_planned:
        return
    store.plan(tx.connection, run, shards)
    for shard in shards:
        args: dict[str, JsonScalar] = {
            "run": str(run.id),
            "unit": str(shard.business_unit_id),
            "shard": shard.number,
            "of": shard.count,
        }
        key = f"{run.id}/{shard.business_unit_id}/{shard.number}"
        tx.enqueue(SHARD_TASK, key=key, args=args, business_date=run.bill_date)


def bill_page(tx: Transaction, run: BillRun, shard: Shard, due: DuePage) -> None:
    """Bill a page of due charges in one transaction, and remember where the next page begins.

    Charges that are on an invoice already are no-ops, so a page may come again after a crash.
    """
    connection, enterprise_id = tx.connection, run.enterprise_id
    locked = accounts.lock(connection, enterprise_id, {charge.account_id for charge in due.charges})
    billed = invoices.billed_charges(connection, enterprise_id, [charge.charge_key for charge in due.charges])
    fresh = {charge.account_id for charge in due.charges if charge.charge_key not in billed}
    sources = funding.recurring_sources(connection, enterprise_id, fresh)
    planner = _planner(tx, run, [source for mine in sources.values() for source in mine])
    page = bill(due.charges, locked, billed, sources, planner)
    _save(tx, run, page)
    store.add_skips(connection, run, [*_skips(shard, due), *_refusals(tx, run, shard, page), *_not_paid(page.not_paid)])
    store.save_page(connection, run, shard, page, due.next_page_token)
    if not due.next_page_token:
        finish_shard(tx, run, shard)
    _publish(tx, page)
    announce(tx, page.accounts)


def finish_shard(tx: Transaction, run: BillRun, shard: Shard) -> None:
    """Mark a shard done; the last one asks for the payments of older invoices."""
    store.lock_run(tx.connection, run.enterprise_id, run.id)
    if store.finish_shard(tx.connection, run, shard):
        tx.enqueue(COLLECT_TASK, key=str(run.id), args={"run": str(run.id)}, business_date=run.bill_date)


def collect_page(tx: Transaction, run: BillRun) -> bool:
    """Make payments for a page of older open invoices (SPEC BIL-2, SUS-4); tell whether there may be more."""
    connection, enterprise_id = tx.connection, run.enterprise_id
    found = store.to_collect(connection, enterprise_id, run.business_unit_id, run.bill_date, COLLECT_PAGE)
    if not found:
        return False
    locked = accounts.lock(connection, enterprise_id, {account_id for _, account_id in found})
    still = store.still_to_collect(connection, enterprise_id, run.bill_date, [invoice_id for invoice_id, _ in found])
    sources = funding.recurring_sources(connection, enterprise_id, locked)
    planner = _planner(tx, run, [source for mine in sources.values() for source in mine], still, list(locked))
    changed: list[Invoice] = []
    made: list[NewAttempt] = []
    not_paid: list[NotPaid] = []
    for invoice_id, account_id in found:
        if invoice_id not in still:
            continue
        number = locked[account_id].number
        invoice, new, reason = planner.plan(number, still[invoice_id], sources.get(account_id, ()))
        changed.append(invoice)
        made += new
        not_paid += [reason] if reason else []
    invoices.save(connection, enterprise_id, changed)
    payments.add(connection, made, tx.context.correlation, tx.now)
    store.add_skips(connection, run, _not_paid(not_paid))
    store.count_collected(connection, run, len(made), sum(one.payment.amount_minor for one in made))
    announce(tx, _of_payments(locked, made))
    return len(found) == COLLECT_PAGE


def cut_batches(tx: Transaction, run_id: UUID) -> None:
    """Cut a run's payments into batches and ask for their submission (SPEC BIL-3); once."""
    run = store.lock_run(tx.connection, tx.enterprise_id, run_id)
    if run.state is not RunState.BILLING:
        return
    unit_ids = list(units.units_of(tx.connection, run.enterprise_id))
    cut = batches.cut(tx.connection, run.enterprise_id, run.id, run.bill_date, tx.now, unit_ids)
    for batch_id in cut:
        tx.enqueue(SUBMIT_TASK, key=str(batch_id), args={"batch": str(batch_id)}, business_date=run.bill_date)
    store.set_state(tx.connection, run, RunState.SUBMITTING if cut else RunState.SUBMITTED)


def _planner(
    tx: Transaction,
    run: BillRun,
    sources: Sequence[FundingSource],
    older: dict[UUID, Invoice] | None = None,
    account_ids: Sequence[UUID] = (),
) -> Planner:
    limits = declines.attempt_limits(tx.connection, run.enterprise_id)
    per_source = [limit for limit in limits if limit.per is Per.SOURCE]
    limited = {limit.tender for limit in per_source}
    source_days = payments.attempts_of_sources(
        tx.connection,
        run.enterprise_id,
        [source.id for source in sources if source.tender in limited],
        run.bill_date - timedelta(days=max((limit.window_days for limit in per_source), default=0)),
        min((limit.attempts_max for limit in per_source), default=1),
    )
    invoice_days = payments.attempts_of_invoices(tx.connection, run.enterprise_id, account_ids, list(older or ()))
    return Planner(run.id, run.bill_date, limits, new_id, source_days, invoice_days)


def _save(tx: Transaction, run: BillRun, page: BilledPage) -> None:
    connection, correlation = tx.connection, tx.context.correlation
    if not page.invoices:
        return
    invoices.add(connection, page.invoices, correlation, tx.now)
    invoices.add_lines(connection, page.lines)
    ledger.add(connection, page.transfers, tx.now)
    payments.add(connection, page.payments, correlation, tx.now)


def _publish(tx: Transaction, page: BilledPage) -> None:
    day = tx.context.business_date
    assert day is not None, "a run's tasks carry its bill date"
    tx.publish(*(InvoiceCreated(invoice, day) for invoice in page.invoices))
    tx.publish(
        *(
            ChargeBilled(
                invoice.account,
                charge.charge_key,
                charge.agreement_id,
                invoice.id,
                charge.total_minor,
                charge.currency,
                day,
            )
            for invoice, _, charge in page.lines
        )
    )


def _refusals(tx: Transaction, run: BillRun, shard: Shard, page: BilledPage) -> list[Skip]:
    """Answer the charges that can't be billed, and list them."""
    for charge, refusal in page.refused:
        ref = no_account(run.enterprise_id, shard.business_unit_id, charge)
        text = REFUSAL_TEXTS[refusal]
        tx.publish(ChargeRefused(ref, charge.charge_key, charge.agreement_id, text, run.bill_date))
    return [_refused(shard, charge, refusal) for charge, refusal in page.refused]


def _refused(shard: Shard, charge: DueCharge, refusal: Refusal) -> Skip:
    return Skip(shard.business_unit_id, charge.agreement_number, refusal, charge.charge_key, REFUSAL_TEXTS[refusal])


def _skips(shard: Shard, due: DuePage) -> list[Skip]:
    return [
        Skip(shard.business_unit_id, one.agreement_number, one.reason, str(one.agreement_id), one.description)
        for one in due.skipped
    ]


def _not_paid(found: Sequence[NotPaid]) -> list[Skip]:
    return [
        Skip(one.invoice.account.business_unit_id, one.invoice.number, one.reason, str(one.invoice.id), one.description)
        for one in found
    ]


def _of_payments(locked: dict[UUID, Account], made: Sequence[NewAttempt]) -> dict[UUID, Account]:
    ids = {one.payment.account.id for one in made}
    return {one: account for one, account in locked.items() if one in ids}
