"""The pages of a bill run, a transaction each; every one may be repeated (SPEC BIL-1)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.commands import announce, tell
from boss_billing.accounts.rules import Account, OpenItem
from boss_billing.batches import store as batches
from boss_billing.batches.rules import PlannedBatch, business_key, spread
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
from boss_billing.payments.planners import open_planner, run_day
from boss_billing.payments.planning import NewAttempt, NotPaid
from boss_billing.runs import store
from boss_billing.runs.rules import (
    BilledPage,
    BillRun,
    DuePage,
    RunState,
    Shard,
    Skip,
    Tally,
    bill,
    no_account,
    tally,
    task_key,
)
from boss_billing.units import store as units
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction

COLLECT_TASK = "bill-run-collect"
COLLECT_PAGE = 1000
FOUND_AT_ONCE = 20 * COLLECT_PAGE


class Outcome(Enum):
    """How a round goes on after a transaction."""

    CANCELLED = "cancelled"
    GOES_ON = "goes on"
    WAS_LAST = "was the last"


def bill_pages(tx: Transaction, run: BillRun, due: Sequence[tuple[Shard, DuePage]]) -> Outcome:
    """Bill a page of each shard in one transaction, and remember where the next pages begin.

    Charges that are on an invoice already are no-ops, so a page may come again after a crash.
    """
    connection, enterprise_id = tx.connection, run.enterprise_id
    shard_of = {charge.charge_key: shard for shard, page in due for charge in page.charges}
    charges = [charge for _, page in due for charge in page.charges]
    locked = accounts.lock(connection, enterprise_id, {charge.account_id for charge in charges})
    if store.share_run(connection, enterprise_id, run.id).state is not RunState.BILLING:
        return Outcome.CANCELLED
    billed = invoices.billed_charges(connection, enterprise_id, list(shard_of))
    fresh = {charge.account_id for charge in charges if charge.charge_key not in billed}
    owed_before = invoices.open_items(connection, enterprise_id, fresh)
    sources = funding.recurring_sources(connection, enterprise_id, fresh)
    to_pay = Counter(charge.account_id for charge in charges)
    day = run_day(tx, enterprise_id, run.id, run.bill_date, locked)
    planner = open_planner(connection, day, _all(sources), to_pay)
    made = bill(charges, locked, billed, sources, planner)
    _save(tx, run, made)
    skips = [skip for shard, page in due for skip in _skips(shard, page)]
    store.add_skips(connection, run, [*skips, *_refusals(tx, run, shard_of, made), *_not_paid(made.not_paid)])
    tallies = tally(made, [shard for shard, _ in due], shard_of)
    counted = [(shard, tallies.get(shard, Tally()), page.next_page_token) for shard, page in due]
    store.save_pages(connection, run, counted)
    _publish(tx, made)
    _tell_balances(tx, made, owed_before)
    return _finish(tx, run) if not all(page.next_page_token for _, page in due) else Outcome.GOES_ON


def finish_shard(tx: Transaction, run: BillRun, shard: Shard) -> Outcome:
    """Mark a shard done that has no page left; tell whether it was the last of the round."""
    if store.share_run(tx.connection, run.enterprise_id, run.id).state is not RunState.BILLING:
        return Outcome.CANCELLED
    store.save_pages(tx.connection, run, [(shard, Tally(), "")])
    return _finish(tx, run)


def _finish(tx: Transaction, run: BillRun) -> Outcome:
    """Tell whether all of the round is billed, after which older invoices are collected. The run must be shared."""
    # All that takes long is done by now: others who finish wait for nothing but our commit.
    tx.flush()
    return Outcome.WAS_LAST if store.was_last(tx.connection, run) else Outcome.GOES_ON


def ask_to_collect(tx: Transaction, run: BillRun) -> None:
    """Ask for the payments of older invoices."""
    tx.enqueue(COLLECT_TASK, key=task_key(run), args={"run": str(run.id)}, business_date=run.bill_date)


def to_collect(tx: Transaction, run: BillRun) -> Sequence[tuple[UUID, UUID]]:
    """Find older open invoices to attempt: (invoice, account). There may be more than are found at once.

    To look is to go through all that is open; so it is done for many pages.
    """
    unit_ids = run.scope.units(units.units_of(tx.connection, run.enterprise_id))
    return store.to_collect(tx.connection, run.enterprise_id, unit_ids, run.bill_date, FOUND_AT_ONCE)


def collect_page(tx: Transaction, run: BillRun, found: Sequence[tuple[UUID, UUID]]) -> bool:
    """Make payments for a page of older open invoices (SPEC BIL-2, SUS-4), as far as they are still to attempt.

    Tell whether the run goes on.
    """
    if not found:
        return True
    connection, enterprise_id = tx.connection, run.enterprise_id
    unit_ids = run.scope.units(units.units_of(connection, enterprise_id))
    locked = accounts.lock(connection, enterprise_id, {account_id for _, account_id in found})
    if store.share_run(connection, enterprise_id, run.id).state is not RunState.BILLING:
        return False
    ids = [invoice_id for invoice_id, _ in found]
    still = store.still_to_collect(connection, enterprise_id, unit_ids, run.bill_date, ids)
    sources = funding.recurring_sources(connection, enterprise_id, locked)
    to_pay = Counter(account_id for _, account_id in found)
    day = run_day(tx, enterprise_id, run.id, run.bill_date, locked)
    planner = open_planner(connection, day, _all(sources), to_pay, still)
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
    payments.add(connection, made, [None] * len(made), tx.context.correlation, tx.now)
    store.add_skips(connection, run, _not_paid(not_paid))
    store.count_collected(connection, run, len(made), _by_currency(made))
    announce(tx, _of_payments(locked, made))
    return True


def list_held(tx: Transaction, run: BillRun) -> None:
    """List the older invoices that a suspension keeps from being attempted."""
    store.list_held(tx.connection, run, list(run.scope.units(units.units_of(tx.connection, run.enterprise_id))))


def withdraw_page(tx: Transaction, run: BillRun) -> bool:
    """Take back a page of a cancelled run's payments that nobody has sent; tell whether there may be more.

    Their invoices stay open and are due for an attempt by whichever run comes next.
    """
    connection, enterprise_id = tx.connection, run.enterprise_id
    found = payments.to_withdraw(connection, enterprise_id, run.id, COLLECT_PAGE)
    locked = accounts.lock(connection, enterprise_id, found)
    if not found or store.share_run(connection, enterprise_id, run.id).state is not RunState.CANCELLED:
        return False
    text = "The bill run was cancelled before this payment was sent."
    freed = payments.withdraw(connection, enterprise_id, run.id, found, run.bill_date, text)
    open_again = invoices.find(connection, enterprise_id, set(freed)).values()
    invoices.save(connection, enterprise_id, [one._replace(next_attempt_date=run.bill_date) for one in open_again])
    announce(tx, locked)
    return len(found) == COLLECT_PAGE


def _save(tx: Transaction, run: BillRun, page: BilledPage) -> None:
    connection, correlation = tx.connection, tx.context.correlation
    if not page.invoices:
        return
    invoices.add(connection, page.invoices, correlation, tx.now)
    invoices.add_lines(connection, page.lines)
    ledger.add(connection, page.transfers, tx.now)
    batch_ids = _plan_batches(tx, run, page.payments)
    payments.add(connection, page.payments, batch_ids, correlation, tx.now)


def _plan_batches(tx: Transaction, run: BillRun, made: Sequence[NewAttempt]) -> list[UUID | None]:
    """Put a page's payments into batches of its own where it has enough of a unit; the others wait for the cut."""
    by_unit: dict[UUID, list[int]] = {}
    for place, one in enumerate(made):
        by_unit.setdefault(one.payment.account.business_unit_id, []).append(place)
    batch_ids: list[UUID | None] = [None] * len(made)
    planned = []
    for unit_id, mine in by_unit.items():
        parts = list(spread(len(mine)))
        if parts:
            mine.sort(key=lambda place: business_key(*_first(made[place])))
        for part in parts:
            batch = PlannedBatch(run.enterprise_id, unit_id, new_id(), run.id, _first(made[mine[part.start]]))
            planned.append(batch)
            for place in mine[part]:
                batch_ids[place] = batch.id
    batches.plan(tx.connection, planned)
    return batch_ids


def _first(one: NewAttempt) -> tuple[str, date, str, int]:
    return one.account_number, one.invoice.due_date, one.invoice.number, one.attempt_no


def _tell_balances(tx: Transaction, page: BilledPage, owed_before: Mapping[UUID, Sequence[OpenItem]]) -> None:
    """Tell what accounts owe now: what they owed before, and what this page has made of it."""
    items = {one: list(before) for one, before in owed_before.items()}
    for invoice in page.invoices:
        if invoice.balance_minor > 0:
            items.setdefault(invoice.account.id, []).append(invoice.open_item)
    for several in items.values():
        if len(several) > 1:
            several.sort(key=lambda one: (one.due_date, len(one.number), one.number))
    in_flight = {one.payment.account.id for one in page.payments}
    others = page.accounts.keys() - in_flight
    in_flight |= payments.accounts_in_flight(tx.connection, tx.enterprise_id, others)
    tell(tx, page.accounts, items, in_flight)


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


def _refusals(tx: Transaction, run: BillRun, shard_of: Mapping[str, Shard], page: BilledPage) -> list[Skip]:
    """Answer the charges that can't be billed, and list them."""
    for charge, refusal in page.refused:
        ref = no_account(run.enterprise_id, shard_of[charge.charge_key].business_unit_id, charge)
        text = REFUSAL_TEXTS[refusal]
        tx.publish(ChargeRefused(ref, charge.charge_key, charge.agreement_id, text, run.bill_date))
    return [_refused(shard_of[charge.charge_key], charge, refusal) for charge, refusal in page.refused]


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


def _by_currency(made: Sequence[NewAttempt]) -> Mapping[str, int]:
    sums: Counter[str] = Counter()
    for one in made:
        sums[one.payment.currency] += one.payment.amount_minor
    return sums


def _of_payments(locked: dict[UUID, Account], made: Sequence[NewAttempt]) -> dict[UUID, Account]:
    ids = {one.payment.account.id for one in made}
    return {one: account for one, account in locked.items() if one in ids}


def _all(sources: Mapping[UUID, Sequence[FundingSource]]) -> list[FundingSource]:
    return [source for mine in sources.values() for source in mine]
