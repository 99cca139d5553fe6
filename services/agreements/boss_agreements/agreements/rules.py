"""What an agreement and its lines are (SPEC AGR-4). Pure: every day is an argument."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from boss_agreements.agreements.schedules import Schedule
from boss_kit.days import add_months
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money

PERPETUAL, INSTALMENT, PAID_IN_FULL, ONCE = "perpetual", "instalment", "paid_in_full", "once"
BILLINGS = (PERPETUAL, INSTALMENT, PAID_IN_FULL, ONCE)
# The fees of a suspension: invoiced although it stops billing (SPEC SUS-7).
FREEZE_FEE, RECURRING_FREEZE_FEE = "freeze", "freeze_recurring"
SUSPENSION_FEES = (FREEZE_FEE, RECURRING_FREEZE_FEE)
PAID_AT_ONCE = (PAID_IN_FULL, ONCE, FREEZE_FEE)
ACCESS, SERVICE, PRODUCT, RENTAL, FEE = "access", "service", "product", "rental", "fee"
TIME, UNIT = "time", "unit"
LIVE, CANCELLED_LINE, ENDED_LINE = "live", "cancelled", "ended"
PRIMARY, ADD_ON = "Primary", "Add-on"
NO_TAX = Decimal(0)
AGREEMENT_TYPES = ("Membership", "Service")
TERM_MONTHS_MAX = 600
# More than any club sells, and few enough that what they add up to in an agreement, and days after them, can be kept.
PRICE_MINOR_MAX = 10**12
LINE_PRICE_MINOR_MAX = 10**15
QUANTITY_MAX = 1000
UNITS_MAX = 100_000
LINE_UNITS_MAX = 10**9
VALIDITY_DAYS_MAX = 3650

PENDING_START = "Pending Start"
ACTIVE = "Active"
CANCELLED = "Cancelled"
EXPIRED = "Expired"
LIVE_STATUSES = (PENDING_START, ACTIVE, "Freeze", "Hold")

_FIXED = re.compile(r"fixed_([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax on an item: its name and its percent."""

    name: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """How a line of an agreement bills, ready for its next cycle.

    `next_bill_date` is the schedule's own date of that cycle, whatever suspensions do to it; `remaining_cycles` is
    empty for a perpetual line; `term_end_date` is the first day after the term; `final_date` is the last paid day of a
    cancelled line (SPEC AGR-8); `tax_rate` is the sum of its taxes in percent. `agreement_end` is the first day after
    the term of the agreement, for a perpetual line beside its Key Items: nothing of it is due from then on (AGR-4).
    """

    id: UUID
    schedule: Schedule
    price: Money
    cycle_no: int
    next_bill_date: date
    remaining_cycles: int | None = None
    term_end_date: date | None = None
    billing: str = PERPETUAL
    item_kind: str = ACCESS
    basis: str = TIME
    units_per_cycle: Decimal | None = None
    tax_rate: Decimal = NO_TAX
    final_date: date | None = None
    agreement_end: date | None = None


@dataclass(frozen=True, slots=True)
class AgreementLine(Line):
    """A sold item of an agreement and how it bills; a change of the catalogue never alters it (SPEC AGR-1).

    A fee of a suspension is a line, too: one with a `suspension_id`, which no suspension stops (SPEC SUS-7).
    `price` is what the line costs a cycle: after promotion, without tax, times quantity. `due_date` counts the
    suspensions. `start_date` is the first day its term counts from.
    """

    item: str = ""
    item_category: str = ""
    item_id: UUID | None = None
    bundle_id: UUID | None = None
    bundle: str = ""
    is_key_item: bool = True
    is_required: bool = True
    quantity: int = 1
    validity_days: int | None = None
    taxes: tuple[Tax, ...] = ()
    list_price: Money | None = None
    promotion: str = ""
    state: str = LIVE
    due_date: date | None = None
    suspension_id: UUID | None = None
    start_date: date | None = None


@dataclass(frozen=True)
class AgreementChanged:
    """State: an agreement was made or changed."""

    agreement_id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    member_id: UUID
    number: str
    display_name: str
    status: str
    price: Money
    version: int
    business_date: date


def parse_term(text: str, field: str = "term") -> int | None:
    """Read a term: months, None for a perpetual one. Raises InvalidArgument, naming the terms there are."""
    if text == PERPETUAL:
        return None
    fixed = _FIXED.fullmatch(text)
    if fixed is None or int(fixed[1]) > TERM_MONTHS_MAX:
        raise InvalidArgument.field(
            field,
            f"{text[:40]!r} is not a term; use perpetual or fixed_<months> with 1 to {TERM_MONTHS_MAX} months.",
        )
    return int(fixed[1])


def check_price(price_minor: int, field: str) -> None:
    """Refuse a price no club can mean. Raises InvalidArgument."""
    if price_minor < 0:
        raise InvalidArgument.field(field, "must not be negative.")
    if price_minor > PRICE_MINOR_MAX:
        raise InvalidArgument.field(field, "is more than anything costs.")


def check_line(line: "AgreementLine", field: str) -> "AgreementLine":
    """Refuse a line that costs or grants more than can be counted. Raises InvalidArgument."""
    if line.price.amount_minor > LINE_PRICE_MINOR_MAX or (line.units_per_cycle or 0) > LINE_UNITS_MAX:
        raise InvalidArgument.field(
            field, f"{line.quantity:,} of {line.item} are more than an agreement can hold; lower the quantity."
        )
    return line


def open_line(
    line_id: UUID,
    schedule: Schedule,
    price: Money,
    start: date,
    term_months: int | None,
    billed_before: date,
    billing: str = "",
) -> AgreementLine:
    """Begin a line whose cycles before `billed_before` count as billed (DESIGN 4: an import's business date).

    Without a `billing` a line with a term is paid in instalments, one without is perpetual. One that is paid at once
    has one charge, at its start (SPEC AGR-4). `replace` adds what was sold.
    """
    first = schedule.first_from(start, billed_before)
    term_end = None if term_months is None else add_months(start, term_months)
    if billing in PAID_AT_ONCE:
        once = 1 if start >= billed_before else 0
        due = start if once else None
        return AgreementLine(
            line_id, schedule, price, 1, start, once, term_end, billing, due_date=due, start_date=start
        )
    left = None if term_end is None else schedule.count_before(first, term_end)
    due = first if left != 0 else None
    billing = billing or (PERPETUAL if term_end is None else INSTALMENT)
    return AgreementLine(line_id, schedule, price, 1, first, left, term_end, billing, due_date=due, start_date=start)


def key_lines(lines: Iterable[AgreementLine]) -> Sequence[AgreementLine]:
    """Give the lines an agreement lives as long as: its Key Items, or all lines where none is one."""
    found = list(lines)
    return [line for line in found if line.is_key_item] or found


def within_term(lines: Sequence[AgreementLine]) -> Sequence[AgreementLine]:
    """Give the lines of an agreement, the perpetual ones beside its Key Items with the end of their term (SPEC AGR-4).

    There is no end while a Key Item that runs has none.
    """
    keys = key_lines(lines)
    endless = any(line.state == LIVE and line.term_end_date is None for line in keys)
    end = None if endless else max((line.term_end_date for line in keys if line.term_end_date), default=None)
    return [replace(line, agreement_end=end) if _ends_with_others(line) else line for line in lines]


def _ends_with_others(line: AgreementLine) -> bool:
    return line.billing == PERPETUAL and not line.is_key_item and line.suspension_id is None


def is_recurring(line: Line) -> bool:
    """Tell whether a line bills cycle after cycle."""
    return line.billing not in PAID_AT_ONCE


def recurring_price(lines: Iterable[AgreementLine]) -> Money:
    """Add up what the lines of an agreement that still run cost a cycle, without tax."""
    found = [line for line in lines if line.suspension_id is None]
    running = [line.price.amount_minor for line in found if is_recurring(line) and line.state == LIVE]
    if not running:
        running = [line.price.amount_minor for line in found if is_recurring(line)]
    return Money(sum(running), found[0].price.currency)


def has_ended(line: Line, day: date) -> bool:
    """Tell whether the term is over: its last day has passed and no cycle of it waits to be billed."""
    return line.term_end_date is not None and line.term_end_date <= day and not line.remaining_cycles


def term_is_over(day: date, lines: Iterable[AgreementLine]) -> bool:
    """Tell whether the term of an agreement's Key Items is over."""
    return all(line.state != LIVE or has_ended(line, day) for line in key_lines(lines))


def only_waits(day: date, lines: Iterable[AgreementLine]) -> bool:
    """Tell whether the last day of an agreement has passed, so that only its last bills are to come."""
    ends = [line.term_end_date for line in key_lines(lines) if line.state == LIVE]
    return all(end is not None and end <= day for end in ends)


def status_on(day: date, start: date, lines: Sequence[AgreementLine], active_types: frozenset[str]) -> str:
    """Derive an agreement's status (SPEC AGR-4); a hold weighs more than a freeze.

    A fixed term lasts as long as its Key Item, and until nothing of its other items waits to be billed.
    """
    keys = key_lines(lines)
    if all(line.state == CANCELLED_LINE for line in keys):
        return CANCELLED
    if term_is_over(day, lines) and not _owes(keys, lines):
        return EXPIRED
    if active_types:
        return "Hold" if "Hold" in active_types else "Freeze"
    return PENDING_START if start > day else ACTIVE


def _owes(keys: Iterable[AgreementLine], lines: Iterable[AgreementLine]) -> bool:
    """Tell whether a charge from before the end of the Key Items is unanswered."""
    end = max((line.term_end_date for line in keys if line.term_end_date), default=date.max)
    return any(line.state == LIVE and line.due_date is not None and line.due_date < end for line in lines)
