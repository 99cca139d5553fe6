"""When agreements, members and accounts are suspended (SPEC SUS). Pure: every day is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money

FREEZE, HOLD = "Freeze", "Hold"
TYPES = (FREEZE, HOLD)
PENDING, RUNNING, RESCINDED, COMPLETED = "pending", "active", "rescinded", "completed"
AGREEMENT, MEMBER, ACCOUNT = "Agreement", "Member", "Account"
# The effects that last as long as the suspension, by the columns that keep them.
STOP_BILLING, PREVENT_ACTIVITY_USE = "stop_billing", "prevent_activity_use"
EXTEND_AVAILABILITY, EXTEND_OBLIGATION = "extend_availability", "extend_obligation"


@dataclass(frozen=True, order=True)
class Window:
    """Suspended days [start, end): the end is the first day back (SPEC SUS-2), or open."""

    start: date
    end: date | None = None

    def holds(self, day: date) -> bool:
        """Tell whether a day is suspended."""
        return self.start <= day and (self.end is None or day < self.end)

    def in_words(self) -> str:
        """Say the window for people."""
        return f"from {self.start}" + (f" to {self.end}, the first day back" if self.end else " with an open end")


@dataclass(frozen=True)
class SuspensionFee:
    """What a suspension costs, as the catalogue had it when it was entered: once, or on each bill date."""

    item_id: UUID | None
    item: str
    item_category: str
    price: Money
    taxes: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True)
class Effects:
    """What a suspension does (SPEC AGR-3)."""

    stop_billing: bool = True
    prevent_activity_use: bool = False
    extend_availability: bool = False
    extend_obligation: bool = False
    freeze_charge: SuspensionFee | None = None
    recurring_charge: SuspensionFee | None = None


WITHOUT_REASON = Effects()
"""A request without a reason of the catalogue stops billing: an import, a hand-over."""


@dataclass(frozen=True)
class SuspensionStarted:
    """Occurrence: a suspension took effect on an agreement, or on an account no agreement of which it covers.

    `repeated`, here and below: the same suspension told the account before, for another agreement.
    """

    suspension_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID | None
    account_id: UUID
    type: str
    window: Window
    stop_billing: bool
    business_date: date
    applied_to: str = AGREEMENT
    repeated: bool = False
    reason: str = ""


@dataclass(frozen=True)
class SuspensionEndChanged:
    """Occurrence: a suspension that runs has another first day back; an empty one is open."""

    suspension_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID | None
    account_id: UUID
    end_date: date | None
    business_date: date
    applied_to: str = AGREEMENT
    repeated: bool = False


@dataclass(frozen=True)
class SuspensionEnded:
    """Occurrence: a suspension ended."""

    suspension_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID | None
    account_id: UUID
    end_date: date
    business_date: date
    applied_to: str = AGREEMENT
    repeated: bool = False


def union(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Join overlapping and touching windows, which count as one (SPEC SUS-5), oldest first; empty windows vanish."""
    joined: list[Window] = []
    for window in sorted(windows, key=lambda window: window.start):
        if window.end is not None and window.end <= window.start:
            continue
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and last.end < window.start):
            joined.append(window)
        elif last.end is not None and (window.end is None or window.end > last.end):
            joined[-1] = Window(last.start, window.end)
    return tuple(joined)


def window_on(windows: Sequence[Window], day: date) -> Window | None:
    """Find the joined window that holds a day."""
    return next((window for window in windows if window.holds(day)), None)


def check_type(suspension_type: str) -> None:
    """Refuse a type other than Freeze and Hold. Raises InvalidArgument."""
    if suspension_type not in TYPES:
        raise InvalidArgument.field("suspension.type", f"{suspension_type[:40]!r} is not a type; use Freeze or Hold.")


def full_days(windows: Iterable[Window], day: date) -> int:
    """Count the days of the suspensions that are over by a day, overlapping ones once (SPEC AGR-3: end - start)."""
    return sum((window.end - window.start).days for window in union(windows) if window.end and window.end <= day)


def check_applied_to(applied_to: str) -> None:
    """Refuse what can't be suspended. Raises InvalidArgument."""
    if applied_to not in (AGREEMENT, MEMBER, ACCOUNT):
        raise InvalidArgument.field(
            "suspension.applied_to", f"{applied_to[:40]!r} can't be suspended; use Agreement, Member or Account."
        )


def check_new(window: Window, others: Iterable[Window], today: date) -> None:
    """Refuse a window that begins in the past, ends before it begins or overlaps another (SPEC SUS-3).

    Raises FailedPrecondition. Touching is no overlap.
    """
    if window.start < today:
        raise FailedPrecondition(
            "START_IN_THE_PAST",
            f"A suspension can't begin on {window.start}, before the business date {today}; let it begin today.",
            metadata={"start_date": str(window.start), "business_date": str(today)},
        )
    _check_order(window)
    check_overlap(window, others)


def check_overlap(window: Window, others: Iterable[Window]) -> None:
    """Refuse a window that overlaps another of the agreement. Raises FailedPrecondition."""
    for other in others:
        if (other.end is None or window.start < other.end) and (window.end is None or other.start < window.end):
            raise FailedPrecondition(
                "SUSPENSION_OVERLAPS",
                f"It is suspended {other.in_words()} already; change that suspension or choose other days.",
                metadata={"start_date": str(other.start), "end_date": str(other.end or "")},
            )


def check_end(status: str, window: Window, end: date, today: date) -> None:
    """Refuse an end that can't be set (SPEC SUS-3). Raises FailedPrecondition."""
    if status in (COMPLETED, RESCINDED):
        raise FailedPrecondition(
            "SUSPENSION_OVER",
            f"The suspension {window.in_words()} is {status}; its end can't change any more.",
            metadata={"status": status},
        )
    if end < today:
        raise FailedPrecondition(
            "END_IN_THE_PAST",
            f"A suspension can't end on {end}, before the business date {today}; end it today.",
            metadata={"end_date": str(end), "business_date": str(today)},
        )
    # One that began today may end today: then no day of it was suspended.
    if status == PENDING or end < window.start:
        _check_order(Window(window.start, end))


def _check_order(window: Window) -> None:
    if window.end is not None and window.end <= window.start:
        raise FailedPrecondition(
            "END_NOT_AFTER_START",
            f"The first day back, {window.end}, is not after the first suspended day, {window.start}.",
            metadata={"start_date": str(window.start), "end_date": str(window.end)},
        )


def status_in_words(status: str, reason: str) -> str:
    """Say a status as the four of the product (SPEC SUS-2)."""
    words = {PENDING: "Pending Start", RESCINDED: "Rescinded", COMPLETED: "Completed"}
    return words.get(status) or f"Active-{reason}"


def check_days_may_change(status: str, window: Window, *, start_changes: bool) -> None:
    """Refuse other days for a suspension whose status forbids them (SPEC SUS-3). Raises FailedPrecondition."""
    if status in (COMPLETED, RESCINDED):
        raise FailedPrecondition(
            "SUSPENSION_OVER",
            f"The suspension {window.in_words()} is {status}; its days can't change any more.",
            metadata={"status": status},
        )
    if status == RUNNING and start_changes:
        raise FailedPrecondition(
            "SUSPENSION_STARTED",
            f"start_date: the suspension began on {window.start}; only its end date can change.",
            metadata={"field": "suspension.start_date", "start_date": str(window.start)},
        )


def check_rescindable(status: str, window: Window) -> None:
    """Refuse to rescind what isn't in the future (SPEC SUS-3). Raises FailedPrecondition."""
    if status != PENDING:
        raise FailedPrecondition(
            "SUSPENSION_NOT_PENDING",
            f"The suspension {window.in_words()} is {status}; only one that is to come can be rescinded. "
            "End one that runs by its end date.",
            metadata={"status": status},
        )
