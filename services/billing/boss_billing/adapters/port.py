"""What billing needs of a payment processor."""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Protocol
from uuid import UUID

from boss_billing.batches.rules import Submission
from boss_billing.callbacks.rules import ResultCallback
from boss_billing.funding.rules import SubmittedInquiry


class Repeatability(Enum):
    """What a processor offers after a crash between send and record (DESIGN 6)."""

    IDEMPOTENT = "repeat with the same key"
    QUERYABLE = "ask whether it knows the key"
    NEITHER = "list for people, never send again"


class NoAnswerError(Exception):
    """The processor may or may not have taken it: never assumed (SPEC BIL-8). What it did say of a part counts."""

    def __init__(self, message: str, results: Sequence[ResultCallback] = ()) -> None:
        super().__init__(message)
        self.results = results


class Processor(Protocol):
    """A payment processor; its results come back at once, by callback, or when it is asked."""

    @property
    def repeatability(self) -> Repeatability:
        """Say what may be done about a submission without an answer."""
        ...

    def submit(self, submission: Submission) -> Sequence[ResultCallback]:
        """Hand a batch over; give the results known at once, the others come later.

        Raises NoAnswerError when nobody knows whether it came, Transient when it didn't.
        """
        ...

    def knows(self, enterprise_id: UUID, key: str) -> bool:
        """Tell whether the processor has a batch; only of those that are queryable."""
        ...

    def find_results(self, enterprise_id: UUID, attempt_ids: Sequence[UUID]) -> Sequence[ResultCallback]:
        """Ask for results that never came; give those it has (SPEC BIL-8)."""
        ...

    def inquire(self, enterprise_id: UUID, business_date: date, inquiries: Sequence[SubmittedInquiry]) -> None:
        """Ask the card updater; the same inquiry again is once. Raises Transient when the processor has nothing."""
        ...
