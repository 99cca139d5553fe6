"""Batches: payments that go to the processor together (SPEC BIL-3). Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from boss_billing.payments.rules import Label

BATCH_NAME = "enterprises/{e}/businessUnits/{b}/batches/{x}"
PAYMENTS_PER_BATCH = 1000
PAYMENTS_AT_ONCE = 250
"""From how many payments on a page of a run fills batches of its own."""
SUBMIT_TASK = "submit-batch"
BATCHES_PER_TASK = 16
PAYMENTS_PER_TASK = 2000
"""How much one task submits: small batches go together, big ones are for several processes at once."""


class BatchState(StrEnum):
    """Where a batch is in its life; `submitting` is written before the processor hears of it."""

    CUT = "cut"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch; a Retry keeps its Original's number."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID
    bill_run_id: UUID
    number: int
    label: str
    bill_date: date
    state: BatchState

    @property
    def is_pending(self) -> bool:
        """Tell whether its payments are pending: an Original's are from its cut on, unless nobody knows of them."""
        return self.label == Label.ORIGINAL and self.state is not BatchState.UNKNOWN


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch that a page of a run has filled; it is cut with the others, in the order of its first payment.

    `first` is that payment's business key: account number, due date, invoice number, number of the attempt.
    """

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID
    bill_run_id: UUID
    first: tuple[str, date, str, int]


class SubmittedAttempt(NamedTuple):
    """One payment on its way, with the card's token and what a person would know it by."""

    attempt_id: UUID
    account_number: str
    due_date: date
    description: str
    attempt_no: int
    tender: str
    token: str
    expiry_month: int
    expiry_year: int
    amount_minor: int
    currency: str
    business_date: date


@dataclass(frozen=True, slots=True)
class Submission:
    """A batch on its way; the key is the same for every repeat."""

    enterprise_id: UUID
    business_unit_id: UUID
    number: int
    key: str
    label: str
    attempts: Sequence[SubmittedAttempt]


def deal(sizes: Sequence[tuple[UUID, int]]) -> list[list[UUID]]:
    """Deal batches (id, payments) to tasks, in their order."""
    dealt: list[list[UUID]] = []
    payments = 0
    for batch_id, size in sizes:
        if not dealt or len(dealt[-1]) == BATCHES_PER_TASK or payments + size > PAYMENTS_PER_TASK:
            dealt.append([])
            payments = 0
        dealt[-1].append(batch_id)
        payments += size
    return dealt


def spread(payments: int) -> Iterator[slice]:
    """Spread a page's payments evenly over batches; none where they are too few for one of their own."""
    if payments < PAYMENTS_AT_ONCE:
        return
    count = -(-payments // PAYMENTS_PER_BATCH)
    for place in range(count):
        yield slice(payments * place // count, payments * (place + 1) // count)


def business_key(account_number: str, due_date: date, invoice_number: str, attempt_no: int) -> tuple[object, ...]:
    """Give what payments are ordered by in a run, whoever wrote them first."""
    return (account_number, due_date, len(invoice_number), invoice_number, attempt_no)
