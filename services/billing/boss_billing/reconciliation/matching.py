"""Match what was approved with what reached the bank, and name every difference with what explains it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from boss_billing.deposits.rules import share_out, spread
from boss_billing.payments.rules import Label, State
from boss_billing.reconciliation.rules import Batch, rank
from boss_kit.money import Money


class Kind(StrEnum):
    """How what reached the bank differs from what was approved."""

    MISSING = "missing"
    DUPLICATE = "duplicate"
    SHORT = "short"
    OVER = "over"
    WRONG_DAY = "wrong day"
    UNKNOWN_BATCH = "unknown batch"


@dataclass(frozen=True, slots=True)
class Window:
    """From how many days after its submission to how many after its last result a tender's money is awaited."""

    days_min: int
    days_max: int


WINDOW_DEFAULT = Window(0, 8)


@dataclass(frozen=True, slots=True)
class DepositLine:
    """What reached the bank: a deposit, or all single payments of a statement and day together."""

    batch_number: int
    business_unit_id: UUID
    tender: str
    label: str
    deposit_date: date
    source: str
    statement: str
    deposit_key: str
    gross_minor: int
    fee_minor: int
    currency: str
    payments: int
    is_by_payment: bool


@dataclass(frozen=True, slots=True)
class PaymentFault:
    """A payment that a statement by payment tells otherwise than the processor did; one of the two may not know it."""

    batch_number: int
    tender: str
    transaction_id: str
    approved_minor: int | None
    deposited_minor: int | None
    deposits: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """An attempt as a difference is explained with."""

    attempt_id: UUID
    payment_id: UUID
    account_id: UUID
    account_number: str
    label: str
    tender: str
    amount_minor: int
    state: str
    transaction_id: str
    response_message: str


@dataclass(frozen=True)
class Difference:
    """One difference; the amount is what came too much, or below zero too little."""

    kind: Kind
    tender: str
    amount_minor: int
    currency: str
    text: str
    deposits: Sequence[DepositLine] = ()
    transaction_id: str = ""
    transactions: Sequence[Transaction] = ()


@dataclass(frozen=True)
class Reconciled:
    """A batch beside its deposits; without a batch, deposits for a number nobody knows."""

    number: int
    business_unit_id: UUID | None
    currency: str
    batch: Batch | None
    deposits: Sequence[DepositLine]
    awaited_minor: int
    differences: Sequence[Difference]

    @property
    def approved_minor(self) -> int:
        """Give what should have come."""
        return self.batch.approved.amount_minor if self.batch is not None else 0

    @property
    def deposited_minor(self) -> int:
        """Give what came, fees included."""
        return sum(one.gross_minor for one in self.deposits)

    @property
    def fee_minor(self) -> int:
        """Give what the processor kept of it."""
        return sum(one.fee_minor for one in self.deposits)

    @property
    def is_provisional(self) -> bool:
        """Tell whether results or deposits may still come."""
        return self.awaited_minor != 0 or (self.batch is not None and self.batch.is_provisional)


@dataclass(frozen=True, slots=True)
class ReconciliationTotal:
    """What batches of one currency come to: the sums of what each comes to.

    submitted = original approved + original declined + original without result;
    deposited = original approved + retry approved - awaited + differing.
    """

    currency: str
    batches: int
    submitted_minor: int
    original_approved_minor: int
    retry_approved_minor: int
    declined_minor: int
    deposited_minor: int
    fee_minor: int
    awaited_minor: int
    differing_minor: int
    differences: int
    original_declined_minor: int
    retry_submitted_minor: int
    original_without_result_minor: int
    is_provisional: bool


def add_up(found: Sequence[Reconciled]) -> list[ReconciliationTotal]:
    """Sum up batches, by currency."""
    totals = []
    for currency in sorted({one.currency for one in found}):
        mine = [one for one in found if one.currency == currency]
        batches = [one.batch for one in mine if one.batch is not None]
        originals, retries = ([batch.attempts(label) for batch in batches] for label in (Label.ORIGINAL, Label.RETRY))
        totals.append(
            ReconciliationTotal(
                currency,
                len(batches),
                sum(batch.submitted.amount_minor for batch in batches),
                sum(one.approved.amount_minor for one in originals),
                sum(one.approved.amount_minor for one in retries),
                sum(batch.declined.amount_minor for batch in batches),
                sum(one.deposited_minor for one in mine),
                sum(one.fee_minor for one in mine),
                sum(one.awaited_minor for one in mine),
                sum(each.amount_minor for one in mine for each in one.differences),
                sum(len(one.differences) for one in mine),
                sum(one.declined.amount_minor for one in originals),
                sum(one.submitted.amount_minor for one in retries),
                sum(one.without_result.amount_minor for one in originals),
                any(one.is_provisional for one in mine),
            )
        )
    return totals


def reconcile(
    batch: Batch,
    deposits: Sequence[DepositLine],
    faults: Sequence[PaymentFault],
    windows: Mapping[str, Window],
    today: date,
) -> Reconciled:
    """Match a batch with its deposits, tender by tender.

    What is still within its days is awaited, not missing: AMEX and ACH may come apart and later (SPEC BIL-3).
    """
    awaited, differences = 0, []
    placed = _placed(batch, deposits)
    tenders = sorted({*batch.tenders, *(one.tender for one in placed)}, key=rank)
    for tender in tenders:
        mine = [one for one in placed if one.tender == tender]
        match = _Match(batch, tender, mine, windows.get(tender, WINDOW_DEFAULT), today)
        if mine and all(one.is_by_payment for one in mine):
            waits, found = match.by_payment([fault for fault in faults if fault.tender == tender])
        else:
            waits, found = match.by_sum()
        awaited += waits
        differences += [*found, *match.wrong_days()]
    return Reconciled(batch.number, batch.business_unit_id, batch.currency, batch, list(deposits), awaited, differences)


def unknown(number: int, unit_id: UUID | None, deposits: Sequence[DepositLine]) -> Reconciled:
    """Name deposits for a batch nobody knows."""
    currency = deposits[0].currency
    amount = sum(one.gross_minor for one in deposits)
    text = f"{Money(amount, currency)} was deposited for batch {number}, which there isn't."
    difference = Difference(Kind.UNKNOWN_BATCH, "", amount, currency, text, deposits)
    return Reconciled(number, unit_id, currency, None, list(deposits), 0, [difference])


def explain(difference: Difference, attempts: Iterable[Transaction]) -> Difference:
    """Add the transactions that explain a difference: those that come to exactly its amount, else all it may be of."""
    mine = [one for one in attempts if one.tender == difference.tender or not difference.tender]
    if difference.transaction_id:
        named = [one for one in mine if difference.transaction_id in (one.transaction_id, str(one.attempt_id))]
        return replace(difference, transactions=named)
    approved = [one for one in mine if one.state == State.APPROVED]
    labels = {one.label for one in difference.deposits}
    if len(labels) == 1 and (label := labels.pop()):
        approved = [one for one in approved if one.label == label] or approved
    if difference.kind in (Kind.SHORT, Kind.OVER):
        amount = abs(difference.amount_minor)
        if difference.kind is Kind.OVER:
            # Money for a payment that was declined is the likeliest reason of too much.
            declined = [one for one in mine if one.state != State.APPROVED and one.amount_minor == amount]
            approved = declined or approved
        return replace(difference, transactions=_that_come_to(amount, approved) or approved)
    return replace(difference, transactions=approved)


@dataclass(frozen=True)
class _Match:
    """One tender of a batch beside its deposits."""

    batch: Batch
    tender: str
    deposits: Sequence[DepositLine]
    window: Window
    today: date

    @property
    def _days(self) -> tuple[date, date]:
        """Give the days its money is awaited in."""
        parts = [part for part in self.batch.parts if part.tender == self.tender]
        first = min((part.first_date for part in parts), default=self.batch.bill_date)
        last = max((part.last_date for part in parts), default=self.batch.bill_date)
        return first + timedelta(days=self.window.days_min), last + timedelta(days=self.window.days_max)

    @property
    def _may_still_come(self) -> bool:
        return self.today <= self._days[1]

    def by_sum(self) -> tuple[int, list[Difference]]:
        """Compare sums; give what is awaited and what differs."""
        approved = self.batch.attempts(tender=self.tender).approved.amount_minor
        over = sum(one.gross_minor for one in self.deposits) - approved
        found = self._repeated(over)
        over -= sum(one.amount_minor for one in found)
        if over > 0:
            text = f"{self._money(over)} more was deposited than approved."
            return 0, [*found, self._difference(Kind.OVER, over, text)]
        if over == 0 or self._may_still_come:
            return -over, found
        if self.deposits:
            text = f"{self._money(approved)} was approved: {self._money(-over)} of it isn't in what was deposited."
            return 0, [*found, self._difference(Kind.SHORT, over, text)]
        text = f"{self._money(approved)} was approved, and nothing deposited by {self._days[1]:%Y-%m-%d}."
        return 0, [self._difference(Kind.MISSING, over, text)]

    def by_payment(self, faults: Sequence[PaymentFault]) -> tuple[int, list[Difference]]:
        """Compare payment by payment."""
        awaited, found = 0, []
        for fault in faults:
            approved, deposited = fault.approved_minor or 0, fault.deposited_minor or 0
            over = deposited - approved
            if fault.deposited_minor is None and self._may_still_come:
                awaited -= over
            else:
                found.append(self._fault(fault, over))
        return awaited, found

    def wrong_days(self) -> list[Difference]:
        """Name deposits before or after the days they are awaited in."""
        first, last = self._days
        return [
            Difference(
                Kind.WRONG_DAY,
                self.tender,
                0,
                self.batch.currency,
                f"{self._money(one.gross_minor)} was deposited on {one.deposit_date:%Y-%m-%d}; "
                f"it belongs between {first:%Y-%m-%d} and {last:%Y-%m-%d}.",
                [one],
            )
            for one in self.deposits
            if not first <= one.deposit_date <= last
        ]

    def _repeated(self, over: int) -> list[Difference]:
        """Name deposits that came again, where that explains more of what is too much than it leaves too little."""
        found, seen = [], set()
        for one in sorted(self.deposits, key=lambda one: (one.deposit_date, one.statement, one.deposit_key)):
            same = (one.label, one.gross_minor)
            if same in seen and 0 < one.gross_minor < 2 * over:
                over -= one.gross_minor
                text = f"{self._money(one.gross_minor)} was deposited again on {one.deposit_date:%Y-%m-%d}."
                found.append(Difference(Kind.DUPLICATE, self.tender, one.gross_minor, one.currency, text, [one]))
            seen.add(same)
        return found

    def _fault(self, fault: PaymentFault, over: int) -> Difference:
        name = f"Transaction {fault.transaction_id}"
        if fault.deposited_minor is None:
            kind, text = Kind.MISSING, f"{name} was approved, and isn't on any statement."
        elif fault.approved_minor is None:
            kind, text = Kind.OVER, f"{name} is on a statement, and wasn't approved in this batch."
        elif fault.deposits > 1 and over > 0:
            kind, text = Kind.DUPLICATE, f"{name} is on statements {fault.deposits} times."
        else:
            kind = Kind.OVER if over > 0 else Kind.SHORT
            approved, deposited = self._money(fault.approved_minor), self._money(fault.deposited_minor)
            text = f"{name} was approved with {approved} and deposited with {deposited}."
        return Difference(kind, self.tender, over, self.batch.currency, text, (), fault.transaction_id)

    def _difference(self, kind: Kind, amount_minor: int, text: str) -> Difference:
        return Difference(kind, self.tender, amount_minor, self.batch.currency, text, self.deposits)

    def _money(self, amount_minor: int) -> str:
        return str(Money(amount_minor, self.batch.currency))


def _placed(batch: Batch, deposits: Sequence[DepositLine]) -> list[DepositLine]:
    """Share out what names no tender among those that wait: it came before their results (SPEC BIL-8)."""
    placed: list[DepositLine] = []
    nameless: list[DepositLine] = []
    for one in deposits:
        is_nameless = not one.tender and one.gross_minor > 0 and not one.is_by_payment
        (nameless if is_nameless else placed).append(one)
    if not nameless:
        return placed
    awaited = {tender: batch.attempts(tender=tender).approved.amount_minor for tender in batch.tenders}
    for one in placed:
        awaited[one.tender] = awaited.get(one.tender, 0) - one.gross_minor
    for one in nameless:
        shares = share_out(one.gross_minor, awaited)
        fees = spread(one.fee_minor, [amount for _, amount in shares])
        for (tender, amount), fee in zip(shares, fees, strict=True):
            awaited[tender] = awaited.get(tender, 0) - amount
            placed.append(replace(one, tender=tender, gross_minor=amount, fee_minor=fee))
    return placed


def _that_come_to(amount_minor: int, attempts: Sequence[Transaction]) -> list[Transaction]:
    """Find the one attempt of an amount, the attempts of one label that come to it, or two that do."""
    for one in attempts:
        if one.amount_minor == amount_minor:
            return [one]
    for label in (Label.RETRY, Label.ORIGINAL):
        mine = [one for one in attempts if one.label == label]
        if mine and sum(one.amount_minor for one in mine) == amount_minor:
            return mine
    seen: dict[int, Transaction] = {}
    for one in attempts:
        other = seen.get(amount_minor - one.amount_minor)
        if other is not None:
            return [other, one]
        seen[one.amount_minor] = one
    return []
