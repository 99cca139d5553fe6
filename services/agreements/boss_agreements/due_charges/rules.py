"""What is due (DESIGN 4, SPEC SUS-4). Pure; listing and answering use the same functions.

A line knows its next cycle's own bill date. If that date is suspended, the cycle is billed on the first day back, once:
an anchored schedule re-anchors to that day; "monthly on a day" keeps its day and a perpetual agreement pays the part of
the cycle that is left; a fixed term is paid in instalments, of which none is lost and none is prorated (SPEC AGR-8).
The last bill of a cancelled line pays its days up to the last paid day; only perpetual access and rental items prorate.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeVar
from uuid import UUID

from boss_agreements.agreements.rules import (
    ACCESS,
    INSTALMENT,
    PAID_AT_ONCE,
    PERPETUAL,
    RENTAL,
    SUSPENSION_FEES,
    UNIT,
    Line,
)
from boss_agreements.agreements.schedules import Schedule
from boss_agreements.suspensions.rules import Window, window_on
from boss_kit.days import ONE_DAY
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money, round_half_up

RECURRING, ONCE = "recurring", "once"
SUSPENDED, TERM_ENDED, ITEM_CANCELLED = "SUSPENDED", "TERM_ENDED", "CANCELLED"
PRORATED_KINDS = (ACCESS, RENTAL)
_HUNDRED = 100
AnyLine = TypeVar("AnyLine", bound=Line)
_ID_BITS = 128


class AccountRange(NamedTuple):
    """The accounts from one id up to another; without either where there is no such end."""

    first: UUID | None
    end: UUID | None


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge that is due; `period_end` is the last day it pays for.

    `units` says how many units a prorated charge pays for, unrounded; empty when it pays the whole price.
    """

    line_id: UUID
    cycle_no: int
    due_date: date
    period_start: date
    period_end: date
    amount: Money
    tax: Money
    kind: str = RECURRING
    units: Fraction | None = None

    @property
    def key(self) -> str:
        """Name the charge, never by a date: suspensions move dates (DESIGN 4)."""
        return charge_key(self.line_id, self.cycle_no, self.kind)


@dataclass(frozen=True, slots=True)
class Skip:
    """Why an agreement isn't charged although its day has come."""

    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class ChargeKey:
    """A charge key, read."""

    line_id: UUID
    cycle_no: int
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What the answer to a line's next charge does: the charge, the line after it, and when it is due next."""

    charge: Charge
    after: Line
    due_date: date | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the next cycle lands: its day, what comes after it, and the days of the whole cycle if a part is missed."""

    due: date
    following: date
    schedule: Schedule
    cycle_days: int | None
    moved: bool


def charge_key(line_id: UUID | str, cycle_no: int, kind: str) -> str:
    """Write `<line_id>/<cycle_no>/<kind>`."""
    return f"{line_id}/{cycle_no}/{kind}"


def parse_key(text: str) -> ChargeKey:
    """Read `<line_id>/<cycle_no>/<kind>`. Raises InvalidArgument for any other form."""
    parts = text.split("/")
    try:
        line_id, cycle_no, kind = parts
        return ChargeKey(UUID(line_id), int(cycle_no), kind)
    except ValueError:
        raise InvalidArgument.field(
            "charge_key", f"{text[:80]!r} is not a charge key; it has the form <line id>/<cycle number>/<kind>."
        ) from None


def kind_of(line: Line) -> str:
    """Say which kind of charge a line has."""
    if line.billing in SUSPENSION_FEES:
        return line.billing
    return ONCE if line.billing in PAID_AT_ONCE else RECURRING


def prorates(line: Line) -> bool:
    """Tell whether a line's final bill is prorated (SPEC AGR-8).

    What is charged once for a term are the days to the first bill of a rewritten perpetual line.
    """
    return (line.billing == PERPETUAL or pays_days_once(line)) and line.item_kind in PRORATED_KINDS


def pays_days_once(line: Line) -> bool:
    """Tell whether a line is the one charge for the days to the first bill of a rewritten one."""
    return line.billing == ONCE and line.term_end_date is not None


def tax_on(amount: Money, tax_rate: Decimal) -> Money:
    """Give the tax on an amount, rounded once."""
    return Money(_tax_minor(amount.amount_minor, tax_rate) if tax_rate else 0, amount.currency)


# Most members of a club pay the same.
@lru_cache(maxsize=16384)
def _tax_minor(amount_minor: int, tax_rate: Decimal) -> int:
    return round_half_up(amount_minor * tax_rate / _HUNDRED)


def next_charge(line: Line, windows: Sequence[Window]) -> Charge | None:
    """Give the line's next charge, None when its term or its last paid day is over or no first day back is known.

    `windows` are joined (`suspensions.rules.union`).
    """
    place = _place(line, windows)
    return None if place is None else _charge_at(line, place)


def _charge_at(line: Line, place: _Place) -> Charge:
    due, end = place.due, place.following
    cycle_days = place.cycle_days or (end - due).days
    if line.final_date is not None and line.final_date < end - ONE_DAY and prorates(line):
        end = line.final_date + ONE_DAY
    paid_days = (end - due).days
    # The last bill of a term costs its price, and pays for the days to the end of the term.
    term_end = _term_end(line, place) if line.remaining_cycles == 1 else None
    if term_end is not None and due < term_end < end:
        end = term_end
    amount, units = line.price, None
    if paid_days != cycle_days:
        share = Fraction(paid_days, cycle_days)
        amount = Money(round_half_up(line.price.amount_minor * share), line.price.currency)
        units = Fraction(line.units_per_cycle) * share if line.basis == UNIT and line.units_per_cycle else None
    tax = tax_on(amount, line.tax_rate)
    return Charge(line.id, line.cycle_no, due, due, end - ONE_DAY, amount, tax, kind_of(line), units)


def advance(line: AnyLine, windows: Sequence[Window]) -> AnyLine:
    """Give the line after its next charge was answered, ready for the cycle after it."""
    place = _place(line, windows)
    if place is None:
        raise ValueError(f"line {line.id} has no charge to answer in cycle {line.cycle_no}")
    return _after(line, place)


def step(line: Line, windows: Sequence[Window]) -> Step | None:
    """Give the line's next charge and what its answer does, None when there is none to answer."""
    place = _place(line, windows)
    if place is None:
        return None
    after = _after(line, place)
    following = _place(after, windows)
    return Step(_charge_at(line, place), after, following.due if following is not None else None)


def _after(line: AnyLine, place: _Place) -> AnyLine:
    remaining = None if line.remaining_cycles is None else line.remaining_cycles - 1
    return replace(
        line,
        schedule=place.schedule,
        cycle_no=line.cycle_no + 1,
        next_bill_date=place.following,
        remaining_cycles=remaining,
        term_end_date=_term_end(line, place),
    )


def where_it_stands(line: AnyLine, windows: Sequence[Window]) -> tuple[AnyLine, date]:
    """Give a line with what suspensions did to its next bill put into its own dates, and its first unpaid day.

    Who takes the line elsewhere, where those suspensions aren't known, bills the same. A cycle of which a part is
    missed is left out: the days from the first unpaid one to the next bill date are to be paid apart.
    """
    place = _place(line, windows)
    if place is None or place.due == line.next_bill_date:
        return line, line.next_bill_date
    following = place.due if place.cycle_days is None else place.following
    moved = replace(line, schedule=place.schedule, next_bill_date=following, term_end_date=_term_end(line, place))
    return moved, place.due


def charges_through(line: Line, windows: Sequence[Window], day: date) -> Iterator[Charge]:
    """Give every unanswered charge due by a day, oldest first: missed days are caught up (SPEC BIL-1).

    While the day itself is suspended there is none, whatever is late (SPEC SUS-4).
    """
    if windows and window_on(windows, day) is not None and line.billing not in SUSPENSION_FEES:
        return
    while (place := _place(line, windows)) is not None and place.due <= day:
        yield _charge_at(line, place)
        if place.following > day:
            return
        line = _after(line, place)


def cut_short(line: AnyLine, windows: Sequence[Window], day: date) -> AnyLine:
    """Give a line whose term ends on a day: what is due before it stays due at its price, nothing comes after it."""
    owed, after = 0, line
    while (place := _place(after, windows)) is not None and place.due < day:
        owed, after = owed + 1, _after(after, place)
    return replace(line, remaining_cycles=owed, term_end_date=min(line.term_end_date or day, day))


def skip_of(line: Line, windows: Sequence[Window], after: date, day: date) -> Skip | None:
    """Tell why a line without a charge isn't charged, if a bill date of it lies between the run before and this one."""
    if line.next_bill_date > day:
        return None
    if line.remaining_cycles == 0 or (line.final_date is not None and line.final_date < line.next_bill_date):
        return _over(line) if after < line.next_bill_date else None
    window = window_on(windows, day)
    if window is None or line.billing in SUSPENSION_FEES:
        return None
    late = line.next_bill_date < window.start
    from_day = max(after + ONE_DAY, line.next_bill_date) if after < day else day
    if late or line.schedule.next_on_or_after(line.next_bill_date, from_day) <= day:
        return Skip(SUSPENDED, f"Suspended {window.in_words()}.")
    return None


def _over(line: Line) -> Skip | None:
    if line.billing in (*SUSPENSION_FEES, ONCE):
        return None
    if line.final_date is not None and line.final_date < line.next_bill_date:
        return Skip(ITEM_CANCELLED, f"Cancelled; {line.final_date} was the last paid day.")
    return Skip(TERM_ENDED, f"The term ended before {line.term_end_date}.") if line.term_end_date else None


def check_nothing_closed_changes(
    line: Line, before: Sequence[Window], after: Sequence[Window], closed: date | None
) -> None:
    """Refuse a change of windows that would change a charge billing is working on (DESIGN 4).

    `closed` is the newest closed bill date of the unit. Raises FailedPrecondition BILLING_IN_PROGRESS. A charge that is
    new is fine: the next run takes it.
    """
    if closed is not None:
        check_kept(charges_through(line, before, closed), charges_through(line, after, closed), closed)


def check_kept(before: Iterable[Charge], after: Iterable[Charge], closed: date) -> None:
    """Refuse to change one of the charges due by a closed date. Raises FailedPrecondition BILLING_IN_PROGRESS."""
    kept = set(after)
    for charge in before:
        if charge not in kept:
            raise FailedPrecondition(
                "BILLING_IN_PROGRESS",
                f"The charge due {charge.due_date} is being billed (bill date {closed} is closed); "
                "try again when the run is done.",
                metadata={"charge_key": charge.key, "bill_date": str(closed)},
            )


def _place(line: Line, windows: Sequence[Window]) -> _Place | None:
    # A line that is over and reported has no next date any more.
    if line.remaining_cycles == 0 or line.next_bill_date == date.max:
        return None
    stops = bool(windows) and line.billing not in SUSPENSION_FEES
    place = _moved_place(line, windows) if stops else _own_place(line)
    return None if place is None or _is_over_on(line, place.due) else place


def _is_over_on(line: Line, day: date) -> bool:
    """Tell whether a day lies after the last paid one, or after the term of the agreement the line is a part of."""
    return (line.final_date is not None and line.final_date < day) or (
        line.agreement_end is not None and line.agreement_end <= day
    )


def _own_place(line: Line) -> _Place:
    own = line.next_bill_date
    following = line.schedule.after(own) if line.billing not in PAID_AT_ONCE else _after_once(line, own)
    return _Place(own, following, line.schedule, None, moved=False)


def _after_once(line: Line, due: date) -> date:
    """Give the first day that a charge paid at once doesn't pay for."""
    return max(line.term_end_date or due, due + ONE_DAY)


def _moved_place(line: Line, windows: Sequence[Window]) -> _Place | None:
    own = line.next_bill_date
    window = window_on(windows, own)
    if window is None:
        return _own_place(line)
    if window.end is None:
        return None
    if line.billing in PAID_AT_ONCE:
        return _moved_once(line, window.end)
    following = line.schedule.next_on_or_after(own, window.end)
    if following == window.end:
        return _Place(following, line.schedule.after(following), line.schedule, None, moved=True)
    if not line.schedule.keeps_day:
        schedule = line.schedule.anchored_to(window.end)
        return _Place(window.end, schedule.after(window.end), schedule, None, moved=True)
    days = None if line.billing == INSTALMENT else _cycle_days(line.schedule, own, following)
    return _Place(window.end, following, line.schedule, days, moved=True)


def _moved_once(line: Line, back: date) -> _Place | None:
    """Place a charge that is paid at once; of the days to a first bill those missed are not charged (SPEC SUS-4)."""
    if not pays_days_once(line):
        return _Place(back, _after_once(line, back), line.schedule, None, moved=False)
    end = _after_once(line, line.next_bill_date)
    return None if end <= back else _Place(back, end, line.schedule, (end - line.next_bill_date).days, moved=False)


def _cycle_days(schedule: Schedule, own: date, following: date) -> int:
    """Count the days of the cycle that ends before a bill date."""
    previous = own
    while schedule.after(previous) < following:
        previous = schedule.after(previous)
    return (following - previous).days


def _term_end(line: Line, place: _Place) -> date | None:
    """Move the end of a fixed term by what its instalments moved."""
    if line.remaining_cycles is None or line.billing == PERPETUAL or not place.moved:
        return line.term_end_date
    return place.schedule.after(place.following, line.remaining_cycles - 1)


def accounts_of_shard(number: int, of: int) -> AccountRange:
    """Give the accounts of a shard: an equal part of all ids there can be (DESIGN 4).

    Imported accounts, and those of members, have ids that are spread evenly. Those of a shard are neighbours in every
    index by account, so that a page of a run touches few of their leaves.
    """
    first, end = (UUID(int=-(-(place << _ID_BITS) // of)) if 0 < place < of else None for place in (number, number + 1))
    return AccountRange(first, end)
