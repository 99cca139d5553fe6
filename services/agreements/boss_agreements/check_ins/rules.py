"""Whether a member may check in or redeem, and why not (SPEC AGR-11). Pure: every day is an argument."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from boss_agreements.activities.rules import Activity, by_expiry, take
from boss_agreements.agreements.rules import ACCESS, ACTIVE, PENDING_START
from boss_agreements.agreements.rules import CANCELLED as CANCELLED_AGREEMENT
from boss_agreements.agreements.rules import EXPIRED as EXPIRED_AGREEMENT
from boss_agreements.suspensions.rules import Window
from boss_kit.errors import InvalidArgument

CHECK_IN, REDEMPTION = "check_in", "redemption"
NONE, ALERT, DENY = "None", "Alert", "Deny"
STATUS_ACTIONS = (NONE, ALERT, DENY)
ALLOWED, DENIED = "allowed", "denied"
STATUS_DENIED = "STATUS_DENIED"
NO_ACTIVITY = "NO_ACTIVITY"
SUSPENDED = "SUSPENDED"
NO_UNITS_LEFT = "NO_UNITS_LEFT"
NOT_YET_VALID = "NOT_YET_VALID"
CANCELLED = "CANCELLED"
EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class Wanted:
    """What a member wants to use: a check-in to the club, or units of an item."""

    kind: str
    item: str
    units: Decimal
    day: date


@dataclass(frozen=True)
class Candidate:
    """An activity, and the suspension that locks it on the day, if one does."""

    activity: Activity
    lock: Window | None


@dataclass(frozen=True)
class Decision:
    """Allowed or denied and why; `taken` is what it takes of which activity, nothing for unlimited use."""

    outcome: str
    reason: str
    text: str
    taken: Sequence[tuple[Activity, Decimal]] = ()
    activity: Activity | None = None


def wants(wanted: Wanted, one: Activity) -> bool:
    """Tell whether an activity is of the kind that is wanted: any access for a check-in that names no item."""
    if wanted.item:
        return one.item == wanted.item
    return one.kind == ACCESS


def strictest(statuses: Iterable[str], actions: Mapping[str, str]) -> tuple[str, str]:
    """Find the status, of those a person has, with which the club is strictest, and what it does."""
    found = [(status, actions.get(status, NONE)) for status in statuses]
    return max(found, key=lambda one: STATUS_ACTIONS.index(one[1]), default=("", NONE))


def best_of(agreement_statuses: Iterable[str]) -> Sequence[str]:
    """Give the status of a person's best agreement: a frozen one doesn't count beside an active one."""
    order = (ACTIVE, PENDING_START, "Freeze", "Hold", CANCELLED_AGREEMENT, EXPIRED_AGREEMENT)
    known = [status for status in agreement_statuses if status in order]
    return [min(known, key=order.index)] if known else []


def decide(wanted: Wanted, candidates: Sequence[Candidate], status: str, action: str) -> Decision:
    """Say whether a member may check in or redeem, and why not (SPEC AGR-11).

    `action` is what the club does with people of the member's status. Unlimited use goes before units.
    """
    if action == DENY:
        return Decision(DENIED, STATUS_DENIED, f"The member's status is {status}, which the club doesn't let in.")
    found = [one for one in candidates if wants(wanted, one.activity)]
    usable = [one.activity for one in found if one.lock is None and one.activity.is_good_on(wanted.day)]
    alert = f"The member's status is {status}." if action == ALERT else ""
    unlimited = next((one for one in by_expiry(usable) if one.remaining is None), None)
    if unlimited is not None:
        return Decision(ALLOWED, "", alert, activity=unlimited)
    if usable and sum(one.remaining or Decimal(0) for one in usable) >= wanted.units:
        taken = take(usable, wanted.units)
        return Decision(ALLOWED, "", alert, taken, taken[0][0])
    return _denial(wanted, found)


def _denial(wanted: Wanted, found: Sequence[Candidate]) -> Decision:
    """Give the reason closest to letting the member in: locked before used up, expired or taken back."""
    day, what = wanted.day, wanted.item or "access"
    locked = next((one for one in found if one.lock is not None and one.activity.is_good_on(day)), None)
    if locked is not None and locked.lock is not None:
        return Decision(DENIED, SUSPENDED, f"{locked.activity.item} is suspended {locked.lock.in_words()}.")
    good = [one.activity for one in found if one.activity.valid_from <= day <= one.activity.expiry_date]
    live = [one for one in good if not one.is_revoked_on(day)]
    if live:
        left = sum((one.remaining or Decimal(0) for one in live), Decimal(0))
        return Decision(
            DENIED, NO_UNITS_LEFT, f"{in_words(wanted.units)} asked for of {what}, but {in_words(left)} left."
        )
    if good:
        last = max(good, key=lambda one: one.expiry_date)
        return Decision(
            DENIED, CANCELLED, f"{last.item} ended on {last.revoked_date}: {last.revoke_reason}".rstrip(".") + "."
        )
    later = [one.activity for one in found if one.activity.valid_from > day]
    if later:
        first = min(later, key=lambda one: one.valid_from)
        return Decision(DENIED, NOT_YET_VALID, f"{first.item} begins on {first.valid_from}.")
    if found:
        last = max((one.activity for one in found), key=lambda one: one.expiry_date)
        return Decision(DENIED, EXPIRED, f"{last.item} expired on {last.expiry_date}.")
    return Decision(DENIED, NO_ACTIVITY, f"The member has no {what}.")


def in_words(units: Decimal) -> str:
    """Say units for people: `1 unit is`, `2.5 units are`."""
    plain = f"{units.normalize():f}"
    return f"{plain} unit is" if plain == "1" else f"{plain} units are"


def check_status_action(action: str) -> str:
    """Refuse an action other than None, Alert and Deny. Raises InvalidArgument."""
    if action not in STATUS_ACTIONS:
        raise InvalidArgument.field(
            "check_in_action.action", f"{action[:40]!r} is not an action; use None, Alert or Deny."
        )
    return action
