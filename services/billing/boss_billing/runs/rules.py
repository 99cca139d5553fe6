"""What a bill run makes of a page of due charges. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from boss_billing.accounts.rules import Account, AccountRef
from boss_billing.funding.rules import FundingSource
from boss_billing.invoices.rules import (
    BilledCharge,
    DueCharge,
    Invoice,
    Kind,
    Refusal,
    SkippedAgreement,
    group_by_invoice,
    refusal,
)
from boss_billing.ledger.rules import Transfer, charge, credit_applied
from boss_billing.payments.planning import NewAttempt, NotPaid, Planner
from boss_billing.units.rules import Unit
from boss_kit.errors import FailedPrecondition

RUN_NAME = "enterprises/{e}/billRuns/{r}"
APPROVE = "billing.billRuns.approve"
SUSPENDED = "SUSPENDED"
AGREEMENTS_PER_SHARD = 1800
"""A page of theirs holds as many: one transaction each, and no process is left with a long last one."""
SMALL_SHARD_AGREEMENTS = 500
AGREEMENTS_PER_TASK = 1000


class RunState(StrEnum):
    """Where a run is in its life (SPEC BIL-1)."""

    DRAFT = "draft"
    APPROVED = "approved"
    BILLING = "billing"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    CANCELLED = "cancelled"


class ScopeKind(StrEnum):
    """What a run is for: everything, a division's units, or one unit."""

    ENTERPRISE = "enterprise"
    DIVISION = "division"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of an enterprise; the id of the whole is the enterprise's own."""

    kind: ScopeKind
    enterprise_id: UUID
    id: UUID

    @property
    def name(self) -> str:
        """Give its resource name."""
        enterprise = f"enterprises/{self.enterprise_id}"
        if self.kind is ScopeKind.ENTERPRISE:
            return enterprise
        return f"{enterprise}/{'divisions' if self.kind is ScopeKind.DIVISION else 'businessUnits'}/{self.id}"

    def units(self, known: Mapping[UUID, Unit]) -> dict[UUID, Unit]:
        """Choose the units that belong to it, in their order."""
        if self.kind is ScopeKind.ENTERPRISE:
            return dict(known)
        if self.kind is ScopeKind.DIVISION:
            return {one: unit for one, unit in known.items() if unit.division_id == self.id}
        return {one: unit for one, unit in known.items() if one == self.id}


@dataclass(frozen=True, slots=True)
class BillRun:
    """A run: what it bills and on which day. Each time it is resumed it goes a further round."""

    enterprise_id: UUID
    id: UUID
    scope: Scope
    bill_date: date
    state: RunState
    is_planned: bool
    currency: str
    round: int = 1
    approved_by: str = ""

    @property
    def is_approved(self) -> bool:
        """Tell whether somebody let it go."""
        return self.approved_by != ""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a run's round: some of the accounts of one unit."""

    business_unit_id: UUID
    number: int
    count: int
    round: int = 1


@dataclass(frozen=True, slots=True)
class DuePage:
    """A page of what agreements says is due, and where the next one begins."""

    charges: Sequence[DueCharge]
    skipped: Sequence[SkippedAgreement]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Skip:
    """A line of the run's list of what wasn't billed or collected."""

    business_unit_id: UUID
    agreement_number: str
    reason: str
    subject: str
    description: str


@dataclass
class BilledPage:
    """What a page of charges becomes."""

    accounts: dict[UUID, Account]
    invoices: list[Invoice] = field(default_factory=list)
    lines: list[tuple[Invoice, int, DueCharge]] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    payments: list[NewAttempt] = field(default_factory=list)
    not_paid: list[NotPaid] = field(default_factory=list)
    refused: list[tuple[DueCharge, Refusal]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What became of a shard's page, counted."""

    invoices: int = 0
    invoiced_minor: int = 0
    payments: int = 0
    payments_minor: int = 0


def task_key(run: BillRun) -> str:
    """Name the tasks of a run's round: the same for every repeat of a round, another one for the next."""
    return str(run.id) if run.round == 1 else f"{run.id}/{run.round}"


def check_may_approve(run: BillRun) -> None:
    """Refuse to approve what is under way or over. Raises FailedPrecondition."""
    if run.state is not RunState.DRAFT and not (run.state is RunState.CANCELLED and not run.is_approved):
        raise _refused("BILL_RUN_NOT_A_DRAFT", f"This bill run is {run.state}; only a draft is approved.", run)


def check_is_approved(approved_by: str) -> None:
    """Refuse to start what nobody lets go who may. Raises FailedPrecondition."""
    if not approved_by:
        text = (
            "This day has no approved bill run, and you may not approve one: draft it and have it approved, "
            "or start it with the approval of somebody who may."
        )
        raise FailedPrecondition("BILL_RUN_NOT_APPROVED", text, metadata={"permission": APPROVE})


def check_may_start(run: BillRun) -> None:
    """Refuse to start what waits for approval or was cancelled. Raises FailedPrecondition."""
    if run.state is RunState.DRAFT:
        raise _refused("BILL_RUN_NOT_APPROVED", "This bill run is a draft; approve it first.", run)
    if run.state is RunState.CANCELLED:
        raise _refused("BILL_RUN_CANCELLED", "This bill run was cancelled; resume it to bill the rest.", run)


def check_may_cancel(run: BillRun) -> None:
    """Refuse to cancel what the processor has already. Raises FailedPrecondition."""
    if run.state in (RunState.SUBMITTING, RunState.SUBMITTED):
        text = "This bill run's payments are with the processor or on their way; refund what was wrong instead."
        raise _refused("BILL_RUN_SUBMITTED", text, run)


def check_may_resume(run: BillRun) -> None:
    """Refuse to resume what nobody let go. Raises FailedPrecondition."""
    if not run.is_approved:
        raise _refused("BILL_RUN_NOT_APPROVED", "Nobody has approved this bill run; approve it first.", run)
    if run.state is RunState.APPROVED:
        raise _refused("BILL_RUN_NOT_STARTED", "This bill run hasn't begun; start it.", run)


def _refused(reason: str, text: str, run: BillRun) -> FailedPrecondition:
    return FailedPrecondition(reason, text, metadata={"bill_run_id": str(run.id), "state": run.state})


def write_shards(shards: Iterable[Shard]) -> str:
    """Write which shards a task is for."""
    return ",".join(f"{one.business_unit_id}/{one.number}/{one.count}" for one in shards)


def read_shards(text: str, round_no: int) -> list[Shard]:
    """Read which shards a task is for."""
    parts = [one.split("/") for one in text.split(",")]
    return [Shard(UUID(unit), int(number), int(count), round_no) for unit, number, count in parts]


def tally(page: BilledPage, shards: Sequence[Shard], shard_of: Mapping[str, Shard]) -> dict[Shard, Tally]:
    """Count what a page became, by the shard its charges are of."""
    if len(shards) == 1:
        invoiced_minor = sum(invoice.total_minor for invoice in page.invoices)
        payments_minor = sum(one.payment.amount_minor for one in page.payments)
        return {shards[0]: Tally(len(page.invoices), invoiced_minor, len(page.payments), payments_minor)}
    of_invoice = {invoice.id: shard_of[charge.charge_key] for invoice, _, charge in page.lines}
    found: dict[Shard, Tally] = {}
    for invoice in page.invoices:
        mine = found.setdefault(of_invoice[invoice.id], Tally())
        mine.invoices += 1
        mine.invoiced_minor += invoice.total_minor
    for attempt in page.payments:
        mine = found[of_invoice[attempt.invoice.id]]
        mine.payments += 1
        mine.payments_minor += attempt.payment.amount_minor
    return found


def deal(sizes: Sequence[tuple[Shard, int]]) -> list[list[Shard]]:
    """Deal shards to tasks: each a task of its own, small ones (with so many agreements due) together."""
    tasks: list[list[Shard]] = []
    together: list[Shard] = []
    agreements = 0
    for shard, size in sizes:
        if size > SMALL_SHARD_AGREEMENTS:
            tasks.append([shard])
            continue
        if together and agreements + size > AGREEMENTS_PER_TASK:
            tasks.append(together)
            together, agreements = [], 0
        together.append(shard)
        agreements += size
    return [*tasks, together] if together else tasks


def count_shards(due_agreements: int) -> int:
    """Choose how many shards a unit's charges are dealt to; none where nothing is due."""
    return -(-due_agreements // AGREEMENTS_PER_SHARD)


def bill(
    charges: Iterable[DueCharge],
    accounts: Mapping[UUID, Account],
    billed: Mapping[str, BilledCharge],
    sources: Mapping[UUID, Sequence[FundingSource]],
    planner: Planner,
) -> BilledPage:
    """Make invoices, lines, transfers and payments of the charges that aren't billed yet."""
    page = BilledPage(accounts={})
    fresh: dict[str, DueCharge] = {}
    for due in charges:
        account, known = accounts.get(due.account_id), billed.get(due.charge_key)
        reason = refusal(due, account.currency if account else None, known or _same_page(fresh, due))
        if reason is not None:
            page.refused.append((due, reason))
        elif known is None:
            fresh.setdefault(due.charge_key, due)
    for (account_id, _, _), group in group_by_invoice(list(fresh.values())).items():
        account = page.accounts.get(account_id, accounts[account_id])
        page.accounts[account_id] = _bill_invoice(page, account, group, sources.get(account_id, ()), planner)
    return page


def _same_page(fresh: Mapping[str, DueCharge], due: DueCharge) -> BilledCharge | None:
    before = fresh.get(due.charge_key)
    return BilledCharge(UUID(int=0), before.amount_minor, before.tax_minor) if before else None


def _bill_invoice(
    page: BilledPage, account: Account, group: Sequence[DueCharge], sources: Sequence[FundingSource], planner: Planner
) -> Account:
    invoice = _invoice(account, group, planner)
    for line_no, due in enumerate(group, 1):
        page.lines.append((invoice, line_no, due))
        page.transfers += charge(
            account.ref, invoice.id, due.item_category, due.amount_minor, due.tax_minor, invoice.currency, planner.day
        )
    credit = min(account.credit_minor, invoice.balance_minor)
    if credit > 0:
        page.transfers.append(credit_applied(account.ref, invoice.id, credit, invoice.currency, planner.day))
        invoice = invoice._replace(balance_minor=invoice.balance_minor - credit)
    if invoice.balance_minor > 0:
        invoice, payments, not_paid = planner.plan(account.number, invoice, sources)
        page.payments += payments
        if not_paid is not None:
            page.not_paid.append(not_paid)
    page.invoices.append(invoice)
    return account.billed(credit)


def _invoice(account: Account, group: Sequence[DueCharge], planner: Planner) -> Invoice:
    total = sum(due.total_minor for due in group)
    first = group[0]
    return Invoice(
        planner.new_id(),
        account.ref,
        first.agreement_id,
        account.invoice_number(account.invoice_count + 1),
        Kind.BILLED,
        first.description,
        planner.day,
        first.due_date,
        account.currency,
        total,
        total,
        bill_run_id=planner.bill_run_id,
    )


def no_account(enterprise_id: UUID, business_unit_id: UUID, due: DueCharge) -> AccountRef:
    """Name the account of a charge that billing may not know."""
    return AccountRef(enterprise_id, business_unit_id, due.account_id)
