"""One decision: may this member be contacted on this channel now (SPEC NOT-4).

What a jurisdiction forbids is data (`Profile`); days are the member's own calendar days, so that a day of 23 hours
counts as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ONE_HOUR = timedelta(hours=1)


class Verdict(StrEnum):
    """What a decision says."""

    ALLOW = "allow"
    HOLD = "hold"
    DENY = "deny"


class Rule(StrEnum):
    """The rules that can hold or deny a message."""

    QUIET_HOURS = "QUIET_HOURS"
    BLANK_NUMBER = "BLANK_NUMBER"
    INVALID_NUMBER = "INVALID_NUMBER"
    DO_NOT_CALL = "DO_NOT_CALL"
    ALREADY_CALLED_TODAY = "ALREADY_CALLED_TODAY"
    CALL_ATTEMPTS = "CALL_ATTEMPTS_IN_WINDOW"
    AFTER_CONVERSATION = "CALL_AFTER_CONVERSATION"
    INVALID_EMAIL_ADDRESS = "INVALID_EMAIL_ADDRESS"
    UNSUBSCRIBED = "UNSUBSCRIBED"
    NO_POSTAL_ADDRESS = "NO_POSTAL_ADDRESS"


@dataclass(frozen=True)
class Profile:
    """What one jurisdiction asks for (12 CFR 1006.6(b)(1) and 1006.14(b)(2) by default).

    `quiet_channels` keep the hours; `call_attempts_max` calls in `window_days` calendar days per debt; none for
    `conversation_days` days after a conversation, whose own day is the first.
    """

    name: str
    version: int
    first_hour: int
    last_hour: int
    quiet_channels: tuple[str, ...]
    call_attempts_max: int
    window_days: int
    conversation_days: int


@dataclass(frozen=True)
class Contact:
    """Who would be contacted: the member's zone, the way there, and what is known of it.

    `number` is E.164 or empty when the text isn't a possible number; `value` is what the member gave.
    """

    channel: str
    zone: ZoneInfo
    value: str = ""
    number: str = ""
    has_address: bool = True
    valid_email: bool = True
    do_not_call: bool = False
    email_opt_out: bool = False


@dataclass(frozen=True)
class CallHistory:
    """The calls that count: attempts and conversations about this debt, and whether the number was called today."""

    attempts: Sequence[datetime] = ()
    conversations: Sequence[datetime] = ()
    called_today: bool = False


@dataclass(frozen=True)
class Decision:
    """Allow, hold until an instant, or deny; with the rule's name."""

    verdict: Verdict
    rule: Rule | None = None
    until: datetime | None = None


ALLOWED = Decision(Verdict.ALLOW)


def may_contact(profile: Profile, contact: Contact, history: CallHistory, now: datetime) -> Decision:
    """Decide; what can never be mended comes first: a bad contact, a list, the limits, then the hour (SPEC NOT-4)."""
    rule = _unreachable(contact) or (
        _call_limit(profile, contact, history, now) if contact.channel == "Phone" else None
    )
    if rule is not None:
        return Decision(Verdict.DENY, rule)
    if contact.channel in profile.quiet_channels and not _is_contact_hour(profile, contact.zone, now):
        return Decision(Verdict.HOLD, Rule.QUIET_HOURS, _next_contact_hour(profile, contact.zone, now))
    return ALLOWED


def _unreachable(contact: Contact) -> Rule | None:
    if contact.channel == "Phone":
        if not contact.value.strip():
            return Rule.BLANK_NUMBER
        if not contact.number:
            return Rule.INVALID_NUMBER
        return Rule.DO_NOT_CALL if contact.do_not_call else None
    if contact.channel == "Email":
        if not contact.valid_email:
            return Rule.INVALID_EMAIL_ADDRESS
        return Rule.UNSUBSCRIBED if contact.email_opt_out else None
    return None if contact.has_address else Rule.NO_POSTAL_ADDRESS


def _call_limit(profile: Profile, contact: Contact, history: CallHistory, now: datetime) -> Rule | None:
    if history.called_today:
        return Rule.ALREADY_CALLED_TODAY
    if _within(profile.conversation_days, history.conversations, contact.zone, now):
        return Rule.AFTER_CONVERSATION
    if _within(profile.window_days, history.attempts, contact.zone, now) >= profile.call_attempts_max:
        return Rule.CALL_ATTEMPTS
    return None


def _within(days: int, instants: Sequence[datetime], zone: ZoneInfo, now: datetime) -> int:
    """Count the instants of the last `days` calendar days, today included."""
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return sum(1 for instant in instants if instant.astimezone(zone).date() >= first)


def _is_contact_hour(profile: Profile, zone: ZoneInfo, now: datetime) -> bool:
    return profile.first_hour <= now.astimezone(zone).hour < profile.last_hour


def _next_contact_hour(profile: Profile, zone: ZoneInfo, now: datetime) -> datetime:
    local = now.astimezone(zone)
    day = local.date() if local.hour < profile.first_hour else local.date() + timedelta(days=1)
    opens = datetime.combine(day, time(profile.first_hour), zone).astimezone(UTC)
    # An hour that the clocks skip begins later than its name says; one that they repeat may already have begun.
    while not _is_contact_hour(profile, zone, opens) or opens <= now:
        opens += ONE_HOUR
    return opens
