"""How old a debt is: days since it was due, in four buckets (SPEC BIL-11). Pure."""

from dataclasses import dataclass, field
from datetime import date

EDGES = (30, 60, 90)
"""The last day of each bucket but the open one."""


def bucket_of(due_date: date, day: date) -> int:
    """Name the bucket of a debt on a day, from 0; what isn't due yet is in the first."""
    age = (day - due_date).days
    return sum(1 for edge in EDGES if age > edge)


@dataclass(slots=True)
class Aged:
    """What is owed, by age, and what there is of credit."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    credit_minor: int = 0

    @property
    def total_minor(self) -> int:
        """Give all that is owed."""
        return sum(self.buckets)

    @property
    def balance_minor(self) -> int:
        """Give all that is owed, less credit."""
        return self.total_minor - self.credit_minor

    def add(self, due_date: date, balance_minor: int, day: date) -> None:
        """Add what is owed on an invoice."""
        self.buckets[bucket_of(due_date, day)] += balance_minor
