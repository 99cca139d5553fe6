"""The lines of the history (SPEC ARM-7); pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

SYSTEM_TYPE = "SYS"
NO_RESPONSE = "We never received a response"
LETTER_SENT = "Letter Sent"


@dataclass(frozen=True, slots=True)
class NewActivity:
    """A line to write; `settled` tells that its days and balance stay as they are."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    cycle_id: UUID
    cycle_number: int
    type: str
    activity_date: date
    activity: str
    days_in_arm: int
    past_due_minor: int
    step_id: UUID | None = None
    settled: bool = True
    contact_info: str = ""
    suspension: bool = False
    correlation: str = ""


@dataclass(frozen=True, slots=True)
class Activity:
    """A line as it is read."""

    id: int
    cycle_id: UUID
    cycle_number: int
    type: str
    activity_date: date
    activity: str
    result_date: date | None
    result: str
    days_in_arm: int
    past_due_minor: int
    contact_info: str
    suspension: bool
    correlation: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class ActivityResult:
    """What a result makes of a step's line."""

    step_id: UUID
    result_date: date | None
    result: str
    visible: bool
    settled: bool
    days_in_arm: int
    past_due_minor: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A line of the delivery log: one thing a provider, or a local rule, said about one attempt."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    account_id: UUID
    step_id: UUID
    attempt: int
    outcome: str
    result_date: date
    response: str
    response_detail: str
    matched: bool
    description: str
