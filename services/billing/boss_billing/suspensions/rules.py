"""What agreements tells of suspensions. Pure."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class SuspensionStarted:
    """Agreements' fact: from the start date until the end date, exclusive, nothing open is collected (SPEC SUS-4)."""

    suspension: str
    agreement: str
    account: str
    start_date: date
    end_date: date | None
    stop_billing: bool


@dataclass(frozen=True)
class SuspensionEnded:
    """Agreements' fact: the end date is, or will be, the first day back (SPEC SUS-2); an empty one is open."""

    suspension: str
    agreement: str
    account: str
    end_date: date | None
