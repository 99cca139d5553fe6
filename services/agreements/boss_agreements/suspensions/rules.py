"""When an agreement is suspended (SPEC SUS). Pure: every day is an argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_kit.errors import FailedPrecondition, InvalidArgument

FREEZE, HOLD = "Freeze", "Hold"
TYPES = (FREEZE, HOLD)
PENDING, RUNNING, RESCINDED, COMPLETED = "pending", "active", "rescinded", "completed"


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
class SuspensionStarted:
    """Occurrence: a suspension took effect."""

    suspension_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    account_id: UUID
    type: str
    window: Window
    stop_billing: bool
    business_date: date


@dataclass(frozen=True)
class SuspensionEnded:
    """Occurrence: a suspension ended."""

    suspension_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    account_id: UUID
    end_date: date
    business_date: date


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
                f"The agreement is suspended {other.in_words()} already; change that suspension or choose other days.",
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
