"""What a member may use and when (SPEC AGR-11, SUS-5). Pure: every day is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from boss_agreements.agreements.rules import ACCESS, SERVICE, UNIT, UNITS_MAX
from boss_agreements.suspensions.rules import Window, union
from boss_kit.days import ONE_DAY
from boss_kit.errors import InvalidArgument
from boss_kit.money import round_half_up

USABLE_KINDS = (ACCESS, SERVICE)
CYCLE, PURCHASE = "cycle", "purchase"


@dataclass(frozen=True)
class Activity:
    """What a cycle or a purchase granted: units, or unlimited use where `granted` is empty.

    It is good from `valid_from` through `expiry_date`; `paid_expiry_date` is that day before any suspension moved it.
    `revoked_date` is the day from which nothing of it may be used any more.
    """

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    member_id: UUID
    agreement_id: UUID | None
    line_id: UUID | None
    source: str
    item: str
    kind: str
    granted: Decimal | None
    remaining: Decimal | None
    valid_from: date
    paid_expiry_date: date
    expiry_date: date
    revoked_date: date | None
    revoke_reason: str
    create_time: datetime

    def is_good_on(self, day: date) -> bool:
        """Tell whether something of it is left on a day, lock or no lock."""
        return self.valid_from <= day <= self.expiry_date and not self.is_revoked_on(day) and self.has_units()

    def is_revoked_on(self, day: date) -> bool:
        """Tell whether it was taken back by a day."""
        return self.revoked_date is not None and self.revoked_date <= day

    def has_units(self) -> bool:
        """Tell whether units are left; unlimited use has no end of them."""
        return self.remaining is None or self.remaining > 0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a billed cycle grants: units, or unlimited use where they are empty; no suspension has moved its expiry."""

    units: Decimal | None
    valid_from: date
    expiry_date: date


def units_of_cycle(item_kind: str, basis: str, units: Fraction | None) -> tuple[Decimal | None] | None:
    """Tell what a billed cycle grants: units, `(None,)` for unlimited use, nothing for what nobody checks in with."""
    if item_kind not in USABLE_KINDS:
        return None
    if basis != UNIT:
        return (None,)
    return (rounded(units),) if units else None


def rounded(units: Fraction) -> Decimal:
    """Round units to three decimals (SPEC 0)."""
    return Decimal(round_half_up(units * 1000)) / 1000


def paid_expiry(valid_from: date, period_end: date, validity_days: int | None) -> date:
    """Give the last day a grant is good: so many days, else through the paid cycle (SPEC AGR-11)."""
    return period_end if validity_days is None else valid_from + timedelta(days=validity_days - 1)


def extended_expiry(valid_from: date, expiry: date, windows: Iterable[Window], day: date) -> date:
    """Move an expiry by the suspensions that extend it and are over by a day (SPEC SUS-5).

    Each joined window moves it by its last suspended day less its first, never below 0; what expired before the window
    stays expired; what was granted inside moves by the days since.
    """
    for window in union(windows):
        if window.end is None or window.end > day or expiry < window.start:
            continue
        first = max(window.start, valid_from)
        expiry += timedelta(days=max(0, (window.end - ONE_DAY - first).days))
    return expiry


def extended(one: Activity, windows: Iterable[Window], day: date) -> Activity:
    """Give an activity with the expiry that the suspensions which are over by a day leave it."""
    return replace(one, expiry_date=extended_expiry(one.valid_from, one.paid_expiry_date, windows, day))


def lock_of(windows: Sequence[Window], day: date) -> Window | None:
    """Find the joined window that locks an activity on a day."""
    return next((window for window in union(windows) if window.holds(day)), None)


def by_expiry(activities: Iterable[Activity]) -> Sequence[Activity]:
    """Order activities as they are used: earliest-expiring first (SPEC AGR-11), then as they were granted."""
    return sorted(activities, key=lambda one: (one.expiry_date, one.create_time, one.id))


def take(activities: Iterable[Activity], units: Decimal) -> Sequence[tuple[Activity, Decimal]]:
    """Take units from activities, earliest-expiring first; give each changed one with what was taken of it."""
    taken: list[tuple[Activity, Decimal]] = []
    for one in by_expiry(activities):
        if units <= 0:
            break
        if one.remaining is None:
            continue
        part = min(one.remaining, units)
        taken.append((replace(one, remaining=one.remaining - part), part))
        units -= part
    return taken


def check_units(units: Decimal, field: str) -> Decimal:
    """Refuse units that can't be: none, too many, finer than three decimals (SPEC 0). Raises InvalidArgument."""
    if not 0 < units <= UNITS_MAX:
        raise InvalidArgument.field(field, f"{units} is not between 0.001 and {UNITS_MAX:,}.")
    if units != units.quantize(Decimal("0.001")):
        raise InvalidArgument.field(field, f"{units} has more than three decimals.")
    return units
