"""Steps: what is due, what a result makes of it, what may be released (SPEC ARM-5, ARM-9, ARM-10); pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from boss_arm.debtors.rules import LETTER, PHONE, Contact, Mark, is_invalid
from boss_arm.history.rules import LETTER_SENT
from boss_arm.schedules.rules import Line
from boss_kit.money import Money

RANKS = {"delivered": 1, "opened": 2, "clicked": 3, "spam report": 4}
"""Which answer to an email says more (SPEC ARM-9); silence is 0, the answer to a call or letter 1."""
SILENCE_RANK = 0


class State(StrEnum):
    """Where a step is."""

    REQUESTED = "requested"  # notifications may ask for its release
    DEFERRED = "deferred"  # its release was refused for now: requested again at the next daily run
    RELEASED = "released"  # it may go out, whatever happens
    SENT = "sent"  # it went out, no completing answer yet
    RETRY = "retry"  # its answer says: again, at the next daily run
    COMPLETED = "completed"
    FAILED = "failed"  # no retries left; stays open
    UNKNOWN = "unknown"  # the provider can't say whether it went out; never resent
    WITHDRAWN = "withdrawn"  # the cycle ended first
    SKIPPED = "skipped"
    MISSED = "missed"


UNRELEASED = (State.REQUESTED, State.DEFERRED)
PENDING = (*UNRELEASED, State.RETRY)
NEVER_OUT = (State.SKIPPED, State.MISSED)


class Outcome(StrEnum):
    """What notifications tells about an attempt."""

    SENT = "sent"
    RESPONSE = "response"
    NOT_RELEASED = "not_released"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a cycle; `id` is the intent's. `attempt` counts requests from 0, `retries` those a result asked for."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID
    account_id: UUID
    cycle_id: UUID
    line_id: UUID
    channel: str
    member_id: UUID | None
    contact: str
    contact_value: str
    state: str
    request_date: date
    attempt: int = 0
    retries: int = 0
    released_attempt: int = -1
    sent_attempt: int = -1
    sent_date: date | None = None
    result_attempt: int | None = None
    result_rank: int | None = None
    result_failed: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the response table, as notifications matched it."""

    include: bool
    completed: bool
    status: str
    retry: bool
    show: bool
    mark_invalid: bool
    description: str

    @property
    def failed(self) -> bool:
        """Tell whether it says that the message didn't reach anybody."""
        return self.status.lower().endswith("unsuccessful")


LETTER_RULE = Rule(True, True, "", False, True, False, LETTER_SENT)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt; `rule` is empty where no row of the table matched."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    account_id: UUID
    step_id: UUID
    outcome: Outcome
    attempt: int
    result_date: date
    response: str
    response_detail: str
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class NotificationRequested:
    """Fact: a step is due."""

    step: Step
    send_date: date
    notification_template: str
    address_lines: tuple[str, ...]
    placeholders: tuple[tuple[str, str], ...]
    member_business_unit_id: UUID
    time_zone: str
    do_not_call: bool
    sender: "Sender"
    recipient_name: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a unit's messages come from."""

    display_name: str
    from_address: str
    reply_to_address: str
    caller_number: str
    return_address_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotificationWithdrawn:
    """Fact: a step must not go out any more."""

    step: Step
    business_date: date
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a daily run does about the lines of one cycle; a skipped line comes with its reason."""

    due: tuple[Line, ...]
    skipped: tuple[tuple[Line, str], ...]
    missed: tuple[Line, ...]


def plan(lines: Iterable[Line], taken: Collection[UUID], days: int, past_due: Money) -> Plan:
    """Choose what goes out on a day in ARM among the lines not taken yet (SPEC ARM-10).

    Of each channel only the lines of its latest due day may go out, earlier ones are missed. The threshold is read now.
    """
    open_lines = [line for line in lines if line.day_offset <= days and line.id not in taken]
    latest = {line.channel: 0 for line in open_lines}
    for line in open_lines:
        latest[line.channel] = max(latest[line.channel], line.day_offset)
    current = [line for line in open_lines if line.day_offset == latest[line.channel]]
    reasons = [(line, _threshold(line, past_due)) for line in current]
    return Plan(
        due=tuple(line for line, reason in reasons if not reason),
        skipped=tuple((line, reason) for line, reason in reasons if reason),
        missed=tuple(line for line in open_lines if line.day_offset < latest[line.channel]),
    )


def unreachable(channel: str, contact: Contact | None, mark: Mark | None) -> str:
    """Tell why a channel is skipped; empty if it isn't.

    A call without a number goes out as it is: its denial is a row of the response table (SPEC NOT-4).
    """
    if is_invalid(contact, mark):
        return f"the {contact.label} contact is invalid" if contact is not None else "there is no number"
    if channel != PHONE and (contact is None or contact.is_blank):
        return "there is no postal address" if channel == LETTER else "there is no email address"
    return ""


def again(step: Step, day: date) -> Step:
    """Request a step once more: after a retry row, or after a release that was refused for now."""
    retries = step.retries + (step.state == State.RETRY)
    return replace(step, state=State.REQUESTED, attempt=step.attempt + 1, retries=retries, request_date=day)


def release_reason(step: Step, *, cycle_open: bool, enabled: bool, attempt_in_flight: bool, past_due_minor: int) -> str:
    """Tell why a step may not go out now; empty if it may (DESIGN 6). What was released stays so until the exit."""
    if step.state in NEVER_OUT:
        return "UNKNOWN_STEP"
    if step.state not in UNRELEASED and step.released_attempt == step.attempt:
        # Released and not yet sent, as after a provider was away: the exit still stops it (SPEC ARM-5).
        return "" if cycle_open or step.state != State.RELEASED else "CYCLE_CLOSED"
    if not cycle_open or step.state not in UNRELEASED:
        return "CYCLE_CLOSED"
    if not enabled:
        return "ARM_NOT_ENABLED"
    if attempt_in_flight:
        return "ATTEMPT_IN_FLIGHT"
    return "" if past_due_minor > 0 else "PAID"


def after_sent(step: Step, result: Result) -> Step:
    """Take note that an attempt went out; told twice is once."""
    if result.attempt <= step.sent_attempt:
        return step
    state = State.SENT if result.attempt == step.attempt and step.state in (*UNRELEASED, State.RELEASED) else step.state
    return replace(step, state=state, sent_attempt=result.attempt, sent_date=result.result_date)


def after_response(step: Step, result: Result, rule: Rule, *, retry_limit: int, cycle_open: bool) -> Step:
    """Take an answer in; the same step comes back where what is known already says more (SPEC ARM-9)."""
    rank = RANKS.get(result.response.strip().lower(), 1)
    if not _says_more(step, result.attempt, rank, failed=rule.failed):
        return step
    told = replace(step, result_attempt=result.attempt, result_rank=rank, result_failed=rule.failed)
    if result.attempt == step.attempt and step.state != State.WITHDRAWN:
        return replace(told, state=_state_after(step, rule, retry_limit=retry_limit, cycle_open=cycle_open))
    if step.state == State.RETRY and not rule.failed:
        return replace(told, state=State.COMPLETED)
    return told


def after_unknown(step: Step, result: Result) -> Step:
    """Take note that nobody can say whether an attempt went out: it is never sent again."""
    waiting = step.state in (*UNRELEASED, State.RELEASED) and result.attempt == step.attempt
    return replace(step, state=State.UNKNOWN) if waiting else step


def ended(lines: Sequence[Line], taken: Collection[UUID], *, pending: bool) -> bool:
    """Tell whether a schedule has run to its end: every line was taken, and nothing is to be tried again."""
    return not pending and all(line.id in taken for line in lines)


def _says_more(step: Step, attempt: int, rank: int, *, failed: bool) -> bool:
    if step.result_attempt is None or step.result_rank is None:
        return True
    if failed:
        # A failure beats every answer to its own attempt; a second one of the same attempt adds nothing.
        return attempt > step.result_attempt or (attempt == step.result_attempt and not step.result_failed)
    if step.result_failed:
        return attempt > step.result_attempt
    return rank > step.result_rank


def _state_after(step: Step, rule: Rule, *, retry_limit: int, cycle_open: bool) -> State:
    if rule.completed:
        return State.COMPLETED
    if rule.retry:
        return State.RETRY if cycle_open and step.retries < retry_limit else State.FAILED
    return State.SENT


def _threshold(line: Line, past_due: Money) -> str:
    if line.past_due_min_minor is not None and past_due.amount_minor < line.past_due_min_minor:
        return f"{past_due} past due is below {Money(line.past_due_min_minor, past_due.currency)}"
    if line.past_due_max_minor is not None and past_due.amount_minor > line.past_due_max_minor:
        return f"{past_due} past due is above {Money(line.past_due_max_minor, past_due.currency)}"
    return ""
