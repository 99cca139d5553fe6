"""Batches as they stand: Original and Retry apart, by tender; a Retry never adds to what was submitted (SPEC BIL-9).

Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from uuid import UUID

from boss_billing.deposits.rules import TENDER_ORDER
from boss_billing.payments.rules import Label, State
from boss_billing.reports.rules import NONE, Figure


@dataclass(frozen=True, slots=True)
class BatchFact:
    """A sum of a batch as it is read: attempts of one label, tender and state."""

    business_unit_id: UUID
    number: int
    bill_date: date
    label: str
    tender: str
    state: str
    currency: str
    figure: Figure
    errors: int
    open: Figure
    first_date: date
    last_date: date


@dataclass(frozen=True, slots=True)
class Attempts:
    """What became of attempts; `open` are those whose payment has no final result, `errors` came without a message."""

    approved: Figure = NONE
    declined: Figure = NONE
    not_attempted: Figure = NONE
    unanswered: Figure = NONE
    open: Figure = NONE
    errors: int = 0

    @property
    def submitted(self) -> Figure:
        """Give all of them."""
        return self.approved + self.declined + self.not_attempted + self.unanswered

    @property
    def without_result(self) -> Figure:
        """Give those never tried, and those without an answer."""
        return self.not_attempted + self.unanswered

    def __add__(self, other: "Attempts") -> "Attempts":
        return Attempts(
            self.approved + other.approved,
            self.declined + other.declined,
            self.not_attempted + other.not_attempted,
            self.unanswered + other.unanswered,
            self.open + other.open,
            self.errors + other.errors,
        )


_NO_ATTEMPTS = Attempts()


@dataclass(frozen=True, slots=True)
class TenderPart:
    """What a batch holds of one label and tender, and from when to when it was with the processor."""

    label: Label
    tender: str
    attempts: Attempts
    first_date: date
    last_date: date


@dataclass(frozen=True)
class Batch:
    """A batch number: the Original with its Retry, by tender in the order they settle."""

    business_unit_id: UUID
    number: int
    bill_date: date
    currency: str
    parts: Sequence[TenderPart]

    def attempts(self, label: Label | None = None, tender: str | None = None) -> Attempts:
        """Give the sum of the attempts of a label, of a tender, or of all."""
        if label is not None:
            return self._by_label.get(label, _NO_ATTEMPTS)
        return self._by_tender.get(tender, _NO_ATTEMPTS) if tender is not None else self._all

    # A report asks for these again and again; they are added up once.
    @cached_property
    def _by_label(self) -> Mapping[Label, Attempts]:
        return {label: _sum(part for part in self.parts if part.label is label) for label in Label}

    @cached_property
    def _by_tender(self) -> Mapping[str, Attempts]:
        return {tender: _sum(part for part in self.parts if part.tender == tender) for tender in self.tenders}

    @cached_property
    def _all(self) -> Attempts:
        return _sum(self.parts)

    @cached_property
    def tenders(self) -> Sequence[str]:
        """List the tenders it holds."""
        return list(dict.fromkeys(part.tender for part in sorted(self.parts, key=lambda part: rank(part.tender))))

    @cached_property
    def submitted(self) -> Figure:
        """Give what was submitted: the Retry is the same payments again."""
        return self.attempts(Label.ORIGINAL).submitted

    @property
    def approved(self) -> Figure:
        """Give what was approved in the end."""
        return self._all.approved

    @property
    def not_attempted(self) -> Figure:
        """Give what was never tried."""
        return self.attempts(Label.ORIGINAL).not_attempted

    @property
    def not_final(self) -> Figure:
        """Give what has no final result."""
        return self.attempts(Label.ORIGINAL).open

    @cached_property
    def declined(self) -> Figure:
        """Give what was declined in the end: all else."""
        return self.submitted - self.approved - self.not_attempted - self.not_final

    @property
    def is_provisional(self) -> bool:
        """Tell whether some result may still come."""
        return self.not_final != NONE


@dataclass(frozen=True, slots=True)
class BatchTotal:
    """What batches of one currency come to."""

    currency: str
    batches: int
    submitted: Figure
    approved: Figure
    declined: Figure
    not_attempted: Figure
    not_final: Figure
    errors: int


def _sum(parts: Iterable[TenderPart]) -> Attempts:
    found = [part.attempts for part in parts]
    return found[0] if len(found) == 1 else sum(found, _NO_ATTEMPTS)


def rank(tender: str) -> tuple[int, str]:
    """Order tenders as they settle."""
    return (TENDER_ORDER.index(tender) if tender in TENDER_ORDER else len(TENDER_ORDER), tender)


def make_batches(facts: Iterable[BatchFact]) -> list[Batch]:
    """Put sums together into batches, by number; within one Original before Retry, and tenders as they settle."""
    by_number: dict[tuple[UUID, int], list[BatchFact]] = {}
    for fact in facts:
        by_number.setdefault((fact.business_unit_id, fact.number), []).append(fact)
    return [_batch(by_number[key]) for key in sorted(by_number, key=lambda key: (key[1], key[0]))]


def total(batches: Sequence[Batch]) -> list[BatchTotal]:
    """Sum up batches, by currency."""
    found = []
    for currency in sorted({batch.currency for batch in batches}):
        mine = [batch for batch in batches if batch.currency == currency]
        found.append(
            BatchTotal(
                currency,
                len(mine),
                sum((one.submitted for one in mine), NONE),
                sum((one.approved for one in mine), NONE),
                sum((one.declined for one in mine), NONE),
                sum((one.not_attempted for one in mine), NONE),
                sum((one.not_final for one in mine), NONE),
                sum(one.attempts().errors for one in mine),
            )
        )
    return found


def _batch(facts: Sequence[BatchFact]) -> Batch:
    parts: dict[tuple[Label, str], list[BatchFact]] = {}
    for fact in facts:
        parts.setdefault((Label(fact.label), fact.tender), []).append(fact)
    first = facts[0]
    ordered = sorted(parts, key=lambda key: (key[0] is Label.RETRY, rank(key[1])))
    return Batch(
        first.business_unit_id,
        first.number,
        first.bill_date,
        first.currency,
        [_part(label, tender, parts[label, tender]) for label, tender in ordered],
    )


def _part(label: Label, tender: str, facts: Sequence[BatchFact]) -> TenderPart:
    each = [_attempts(fact) for fact in facts]
    attempts = each[0] if len(each) == 1 else sum(each, _NO_ATTEMPTS)
    return TenderPart(
        label, tender, attempts, min(fact.first_date for fact in facts), max(fact.last_date for fact in facts)
    )


def _attempts(fact: BatchFact) -> Attempts:
    if fact.state == State.APPROVED:
        return Attempts(approved=fact.figure, open=fact.open, errors=fact.errors)
    if fact.state == State.DECLINED:
        return Attempts(declined=fact.figure, open=fact.open, errors=fact.errors)
    if fact.state == State.NOT_ATTEMPTED:
        return Attempts(not_attempted=fact.figure, open=fact.open, errors=fact.errors)
    return Attempts(unanswered=fact.figure, open=fact.open, errors=fact.errors)
