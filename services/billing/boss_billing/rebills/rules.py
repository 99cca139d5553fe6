"""Rebill schedules of three levels, and the day of the next attempt with its reason (SPEC BIL-5, BIL-6). Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from boss_billing.declines.rules import AttemptLimit, Code, Timing, first_allowed_day
from boss_billing.units.rules import Unit
from boss_kit.errors import InvalidArgument

EVERY_TENDER = ""
NEVER_BEFORE_DAYS = 2
"""Never daily: at least one day lies between two attempts at an invoice."""

AFTER_DAYS_MAX = 60
ATTEMPTS_MAX = 12
LOOK_BEYOND_DAYS = 7
PAYMENTS_THAT_TELL = 3
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Level(StrEnum):
    """Where a schedule is set; the lowest that has one decides."""

    UNIT = "business unit"
    DIVISION = "division"
    ENTERPRISE = "enterprise"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class RebillSchedule:
    """Days from each decline to the next attempt; smart ones move a day by what is known of the decline and source."""

    after_days: tuple[int, ...]
    is_smart: bool = False
    paydays: tuple[int, ...] = (1, 15)


@dataclass(frozen=True, slots=True)
class Effective:
    """A schedule, and the level and tender it was set for."""

    schedule: RebillSchedule
    level: Level
    tender: str


@dataclass(frozen=True, slots=True)
class Declined:
    """A final decline as the next attempt depends on it; `declines` counts it."""

    payment_id: UUID
    unit_id: UUID
    account_id: UUID
    invoice_id: UUID
    source_id: UUID
    tender: str
    code: Code
    declines: int
    day: date


@dataclass(frozen=True, slots=True)
class PlannedAttempt:
    """The day of the next attempt, none where there is none, and the sentence that says why."""

    day: date | None
    reason: str


DEFAULT = Effective(RebillSchedule((7, 7, 7)), Level.DEFAULT, EVERY_TENDER)


def check_schedule(schedule: RebillSchedule) -> None:
    """Refuse a schedule that is daily, endless or has impossible paydays. Raises InvalidArgument."""
    if len(schedule.after_days) > ATTEMPTS_MAX:
        raise InvalidArgument.field("rebill_schedule.after_days", f"holds more than {ATTEMPTS_MAX} attempts.")
    if any(not NEVER_BEFORE_DAYS <= days <= AFTER_DAYS_MAX for days in schedule.after_days):
        text = f"must each be {NEVER_BEFORE_DAYS} to {AFTER_DAYS_MAX} days: an invoice is never tried daily."
        raise InvalidArgument.field("rebill_schedule.after_days", text)
    if any(not 1 <= day <= 31 for day in schedule.paydays):
        raise InvalidArgument.field("rebill_schedule.paydays", "must be days of the month, 1 to 31.")


def effective(unit: Unit, kept: Mapping[tuple[UUID, str], RebillSchedule], tender: str) -> Effective:
    """Choose the schedule of a unit's tender: the lowest level decides, there a tender's own before that for all.

    `kept` holds schedules by the id of their level and tender; a unit's own interval in its billing settings, if
    it has one, counts as its schedule for every tender.
    """
    levels = ((Level.UNIT, unit.id), (Level.DIVISION, unit.division_id), (Level.ENTERPRISE, unit.enterprise_id))
    for level, level_id in levels:
        for of in dict.fromkeys((tender, EVERY_TENDER)):
            found = kept.get((level_id, of)) if level_id is not None else None
            if found is not None:
                return Effective(found, level, of)
        own = unit.settings
        if level is Level.UNIT and unit.has_settings and own.rebill_after_days > 0:
            return Effective(
                RebillSchedule((own.rebill_after_days,) * own.rebill_attempts_max), Level.UNIT, EVERY_TENDER
            )
    return DEFAULT


def plan_attempt(
    declined: Declined,
    of: Effective,
    paid_days: Sequence[date],
    limits: Iterable[tuple[Sequence[AttemptLimit], Sequence[date]]],
) -> PlannedAttempt:
    """Plan the next attempt after a final decline, and say why on that day.

    `paid_days` are those on which the source's earlier payments went through; `limits` pairs the networks' limits with
    the days of the attempts they count.
    """
    code, schedule = declined.code, of.schedule
    if not code.rebill:
        return PlannedAttempt(None, f"{code.message} ({code.code}) isn't tried again.")
    if declined.declines > len(schedule.after_days):
        count = len(schedule.after_days)
        return PlannedAttempt(None, f"The schedule of the {of.level} allows {count} further attempts; they are made.")
    after_days = schedule.after_days[declined.declines - 1]
    day, reason = declined.day + timedelta(days=after_days), _by_schedule(of, after_days)
    if schedule.is_smart:
        day, reason = _smart_day(declined, schedule, day, paid_days) or (day, reason)
    allowed = max((first_allowed_day(some, days, day) for some, days in limits), default=day)
    if allowed > day:
        day, reason = allowed, f"{reason} Moved there: the card network allows no further attempt before."
    return PlannedAttempt(day, f"{code.message} ({code.code}): {day:%A, %Y-%m-%d}. {reason}")


def _by_schedule(of: Effective, after_days: int) -> str:
    tender = f" for {of.tender}" if of.tender else ""
    return f"The schedule of the {of.level}{tender} says {after_days} days after the decline."


def _smart_day(
    declined: Declined, schedule: RebillSchedule, planned: date, paid_days: Sequence[date]
) -> tuple[date, str] | None:
    first = declined.day + timedelta(days=NEVER_BEFORE_DAYS)
    if declined.code.timing is Timing.LIMIT_RESET:
        return first, "The source's limit begins anew by then."
    if declined.code.timing is not Timing.LIKELY_FUNDS:
        return None
    days = [first + timedelta(days=n) for n in range((planned - first).days + LOOK_BEYOND_DAYS + 1)]
    counts = Counter(day.weekday() for day in paid_days)
    weekday, count = max(counts.items(), key=lambda one: (one[1], -one[0]), default=(0, 0))
    if len(paid_days) >= PAYMENTS_THAT_TELL and 2 * count > len(paid_days):
        likely = min((day for day in days if day.weekday() == weekday), key=lambda day: (abs(day - planned), day))
        text = f"{count} of the last {len(paid_days)} payments of this source went through on a {WEEKDAYS[weekday]}."
        return likely, text
    payday = next((day for day in days if _is_payday(day, schedule.paydays)), None)
    return (payday, "It is the next likely payday.") if payday is not None else None


def _is_payday(day: date, paydays: Sequence[int]) -> bool:
    """Tell whether money comes on a day; what a short month doesn't have falls on its last day."""
    is_last = (day + timedelta(days=1)).day == 1
    return day.day in paydays or (is_last and any(payday > day.day for payday in paydays))
