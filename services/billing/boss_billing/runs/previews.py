"""Look at what a run would do, page by page; nothing is written (SPEC BIL-1)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.accounts.rules import AccountRef
from boss_billing.funding import store as funding
from boss_billing.invoices import store as invoices
from boss_billing.invoices.rules import REFUSAL_TEXTS, Invoice
from boss_billing.payments.planners import open_planner, run_day
from boss_billing.payments.planning import NewAttempt, NotPaid
from boss_billing.runs import store
from boss_billing.runs.rules import SUSPENDED, BilledPage, DuePage, Scope, bill
from boss_billing.units import store as units
from boss_kit.ids import new_id
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class PlannedInvoice:
    """An invoice with what would be tried for it."""

    invoice: Invoice
    is_new: bool
    descriptions: Sequence[str]
    payments: Sequence[NewAttempt]
    not_paid: NotPaid | None


@dataclass
class PlannedAgreement:
    """What a run would do about one agreement: (reason, description) for each skip."""

    number: str
    account: AccountRef | None = None
    agreement_id: UUID | None = None
    invoices: list[PlannedInvoice] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def scope_units(tx: Transaction, scope: Scope) -> Sequence[UUID]:
    """Read the units of a scope, in the order a run bills them."""
    return list(scope.units(units.units_of(tx.connection, scope.enterprise_id)))


def preview_due(tx: Transaction, enterprise_id: UUID, bill_date: date, due: DuePage) -> list[PlannedAgreement]:
    """Show what a page of due charges would become."""
    connection = tx.connection
    known = accounts.read(connection, enterprise_id, {charge.account_id for charge in due.charges})
    billed = invoices.billed_charges(connection, enterprise_id, [charge.charge_key for charge in due.charges])
    sources = funding.recurring_sources(connection, enterprise_id, known)
    all_sources = [source for mine in sources.values() for source in mine]
    to_pay = Counter(charge.account_id for charge in due.charges)
    day = run_day(tx, enterprise_id, new_id(), bill_date, known)
    planner = open_planner(connection, day, all_sources, to_pay, only_looks=True)
    page = bill(due.charges, known, billed, sources, planner)
    found: dict[str, PlannedAgreement] = {}
    numbers = {charge.agreement_id: charge.agreement_number for charge in due.charges}
    for planned in _invoices(page):
        agreement_id = planned.invoice.agreement_id
        number = numbers[agreement_id] if agreement_id else ""
        one = found.setdefault(number, PlannedAgreement(number, planned.invoice.account, agreement_id))
        one.invoices.append(planned)
    for charge, refusal in page.refused:
        number = charge.agreement_number
        one = found.setdefault(number, PlannedAgreement(number, None, charge.agreement_id))
        one.skipped.append((refusal, REFUSAL_TEXTS[refusal]))
    for skip in due.skipped:
        number = skip.agreement_number
        one = found.setdefault(number, PlannedAgreement(number, None, skip.agreement_id))
        one.skipped.append((skip.reason, skip.description))
    return list(found.values())


def preview_collect(
    tx: Transaction, scope: Scope, bill_date: date, after: tuple[str, UUID], limit: int
) -> tuple[list[PlannedAgreement], tuple[str, UUID] | None]:
    """Show which open invoices would be attempted, which a suspension holds back, and where the next page begins."""
    connection, enterprise_id = tx.connection, scope.enterprise_id
    rows = store.look_at_open(connection, enterprise_id, scope_units(tx, scope), bill_date, after, limit)
    account_ids = {account_id for _, _, account_id, _ in rows}
    older = invoices.find(connection, enterprise_id, [invoice_id for _, invoice_id, _, _ in rows])
    sources = funding.recurring_sources(connection, enterprise_id, account_ids)
    all_sources = [source for mine in sources.values() for source in mine]
    to_pay = Counter(account_id for _, _, account_id, _ in rows)
    day = run_day(tx, enterprise_id, new_id(), bill_date, accounts.read(connection, enterprise_id, account_ids))
    planner = open_planner(connection, day, all_sources, to_pay, older, only_looks=True)
    found = []
    for number, invoice_id, account_id, why_held in rows:
        before = older[invoice_id]
        attempts: Sequence[NewAttempt] = ()
        not_paid: NotPaid | None = NotPaid(before, SUSPENDED, why_held)
        if not why_held:
            _, attempts, not_paid = planner.plan(number, before, sources.get(account_id, ()))
        planned = PlannedInvoice(before, False, [before.description], attempts, not_paid)
        found.append(PlannedAgreement("", before.account, before.agreement_id, [planned]))
    return found, (rows[-1][0], rows[-1][1]) if len(rows) == limit else None


def _invoices(page: BilledPage) -> list[PlannedInvoice]:
    attempts: dict[UUID, list[NewAttempt]] = {}
    for attempt in page.payments:
        attempts.setdefault(attempt.invoice.id, []).append(attempt)
    not_paid: Mapping[UUID, NotPaid] = {one.invoice.id: one for one in page.not_paid}
    lines: dict[UUID, list[str]] = {}
    for invoice, _, charge in page.lines:
        lines.setdefault(invoice.id, []).append(charge.description)
    return [
        PlannedInvoice(one, True, lines[one.id], attempts.get(one.id, ()), not_paid.get(one.id))
        for one in page.invoices
    ]
