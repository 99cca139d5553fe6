"""Notifications and their facts: what was asked for, where it is, what is told about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from boss_kit.context import Actor, Context
from boss_kit.ids import derived_id
from boss_notifications.responses.rules import ResponseRule

ACCOUNT_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}"
MEMBER_NAME = "enterprises/{e}/businessUnits/{b}/members/{m}"
NOTIFICATION_NAME = "enterprises/{e}/businessUnits/{b}/notifications/{n}"


class State(StrEnum):
    """Where a notification is in its life."""

    REQUESTED = "requested"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


WAITING = (State.REQUESTED, State.HELD)
"""The states in which nobody outside has heard of it."""


class Outcome(StrEnum):
    """What a result tells."""

    SENT = "sent"
    RESPONSE = "response"
    NOT_RELEASED = "not_released"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Sender:
    """Who a business unit's messages come from (SPEC ARM-2)."""

    display_name: str = ""
    from_address: str = ""
    reply_to_address: str = ""
    caller_number: str = ""
    return_address_lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotificationRequested:
    """ARM's fact: a step is due."""

    step_id: UUID
    attempt: int
    account: str
    member: str
    channel: str
    template: str
    contact: str
    contact_value: str
    address_lines: tuple[str, ...]
    placeholders: Mapping[str, str]
    send_date: date
    time_zone: str
    do_not_call: bool
    sender: Sender
    recipient_name: str


@dataclass(frozen=True)
class NotificationWithdrawn:
    """ARM's fact: a requested step must not go out any more."""

    step_id: UUID
    reason: str


@dataclass(frozen=True)
class Intent:
    """A notification on its way, with all that sending it needs."""

    enterprise_id: UUID
    business_unit_id: UUID
    id: UUID
    step_id: UUID
    attempt: int
    account_id: UUID
    account_number: str
    member_id: UUID | None
    channel: str
    template_id: UUID
    template_display_name: str
    contact: str
    contact_value: str
    address_lines: tuple[str, ...]
    placeholders: Mapping[str, str]
    recipient_name: str
    sender: Sender
    send_date: date
    time_zone: str
    do_not_call: bool
    email_opt_out: bool
    state: State
    provider: str
    provider_message_id: str
    sent_time: datetime | None
    actor: str
    correlation: str
    traceparent: str

    @property
    def account(self) -> str:
        """Give the account's resource name."""
        return ACCOUNT_NAME.format(e=self.enterprise_id, b=self.business_unit_id, a=self.account_id)

    @property
    def name(self) -> str:
        """Give the notification's resource name."""
        return NOTIFICATION_NAME.format(e=self.enterprise_id, b=self.business_unit_id, n=self.id)

    def story(self, business_date: date) -> "Story":
        """Give what its facts follow from: the request of the step."""
        return Story(
            Context(
                enterprise_id=self.enterprise_id,
                actor=Actor.from_json(self.actor),
                correlation=self.correlation,
                causation=str(self.id),
                traceparent=self.traceparent,
                business_date=business_date,
            )
        )


@dataclass(frozen=True)
class Story:
    """The cause of a fact: the context that goes on."""

    context: Context


@dataclass(frozen=True)
class NotificationResult:
    """Fact: it went out, or its result came in."""

    intent: Intent
    outcome: Outcome
    result_date: date
    response: str = ""
    response_detail: str = ""
    rule: ResponseRule | None = None


@dataclass(frozen=True)
class ContactInvalidated:
    """Fact: a contact turned out to be invalid."""

    intent: Intent
    result_date: date
    reason: str


def intent_id(step_id: UUID, attempt: int) -> UUID:
    """Name the attempt of a step: the same event makes the same intent (SPEC NOT-5)."""
    return derived_id(step_id, "attempt", str(attempt))
