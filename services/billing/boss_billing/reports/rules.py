"""What the reports count and how they group it: every sum from the same rows, so that totals always agree. Pure."""

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Generic, TypeVar
from uuid import UUID

from boss_billing.funding.rules import TENDERS
from boss_billing.payments.rules import PaymentKind, State
from boss_kit.errors import InvalidArgument
from boss_kit.money import round_half_up

INVOICED = "Invoiced"
DAYS_MAX = 3660
EVER = (date(1900, 1, 1), date(2199, 12, 31))
"""The days of a batch that is asked for by its number."""


class Grouping(StrEnum):
    """What a report may be grouped by, below the business unit."""

    ITEM_CATEGORY = "item category"
    ITEM = "item"
    TENDER = "tender"
    KIND = "kind"
    DAY = "day"


GROUPINGS_DEFAULT = (Grouping.ITEM_CATEGORY, Grouping.ITEM)


@dataclass(frozen=True)
class ReportFilter:
    """Which payments: of which units and days, and narrower where something is named; no units are all of them."""

    enterprise_id: UUID
    unit_ids: Sequence[UUID]
    first: date
    last: date
    tenders: Sequence[str] = ()
    kinds: Sequence[str] = ()
    item_categories: Sequence[str] = ()
    division_id: UUID | None = None
    batch_number: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """How many, and what they come to."""

    count: int = 0
    amount_minor: int = 0

    def __add__(self, other: "Figure") -> "Figure":
        return Figure(self.count + other.count, self.amount_minor + other.amount_minor)

    def __sub__(self, other: "Figure") -> "Figure":
        return Figure(self.count - other.count, self.amount_minor - other.amount_minor)


NONE = Figure()


@dataclass(frozen=True, slots=True)
class Fact:
    """A sum as it is read: what it is of, and of which groups."""

    business_unit_id: UUID
    currency: str
    groups: tuple[str, ...]
    tender: str
    kind: str
    state: str
    is_recovered: bool
    figure: Figure


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was submitted, by kind, and what was invoiced (SPEC BIL-2)."""

    new: Figure = NONE
    on_account: Figure = NONE
    past_due: Figure = NONE
    invoiced: Figure = NONE
    not_final: Figure = NONE

    @property
    def total(self) -> Figure:
        """Give New + On Account + Past Due."""
        return self.new + self.on_account + self.past_due

    def __add__(self, other: "Submitted") -> "Submitted":
        return Submitted(
            self.new + other.new,
            self.on_account + other.on_account,
            self.past_due + other.past_due,
            self.invoiced + other.invoiced,
            self.not_final + other.not_final,
        )


@dataclass(frozen=True, slots=True)
class Results:
    """What became of what was submitted; the final results are the Original's and the Retry's (SPEC BIL-4)."""

    original_approved: Figure = NONE
    retry_approved: Figure = NONE
    declined: Figure = NONE
    not_attempted: Figure = NONE
    not_final: Figure = NONE

    @property
    def approved(self) -> Figure:
        """Give all that was approved in the end."""
        return self.original_approved + self.retry_approved

    @property
    def submitted(self) -> Figure:
        """Give all that was submitted."""
        return self.approved + self.declined + self.not_attempted + self.not_final

    @property
    def declined_by_count(self) -> str:
        """Give the share of payments declined, in percent of those with a result."""
        return percent(self.declined.count, self.approved.count + self.declined.count)

    @property
    def declined_by_amount(self) -> str:
        """Give the share of money declined, in percent of that with a result."""
        return percent(self.declined.amount_minor, self.approved.amount_minor + self.declined.amount_minor)

    def __add__(self, other: "Results") -> "Results":
        return Results(
            self.original_approved + other.original_approved,
            self.retry_approved + other.retry_approved,
            self.declined + other.declined,
            self.not_attempted + other.not_attempted,
            self.not_final + other.not_final,
        )


Measure = TypeVar("Measure", Submitted, Results)
_Key = tuple[str, UUID, str, tuple[str, ...]]


@dataclass(frozen=True)
class Line(Generic[Measure]):
    """A line of a report: its groups from the unit down, and what they come to. Level 1 is a unit, 0 a grand total."""

    level: int
    business_unit_id: UUID | None
    groups: tuple[str, ...]
    currency: str
    measure: Measure


@dataclass(frozen=True)
class Report(Generic[Measure]):
    """Lines with their subtotals, and the grand total of each currency; results also tell of each tender."""

    grouped_by: tuple[Grouping, ...]
    lines: Sequence[Line[Measure]]
    totals: Sequence[Line[Measure]]
    tender_lines: Sequence[Line[Measure]] = ()
    tender_totals: Sequence[Line[Measure]] = ()


def check_days(first: date, last: date, span_days_max: int | None = DAYS_MAX) -> None:
    """Refuse days no report is for. Raises InvalidArgument."""
    if last < first:
        raise InvalidArgument.field("filter.end_date", f"{last} lies before the start date, {first}; swap them.")
    if span_days_max is not None and (last - first).days >= span_days_max:
        raise InvalidArgument.field("filter.end_date", "lies more than ten years after the start date.")


def check_of_payments(wanted: ReportFilter) -> None:
    """Refuse to narrow a report of payments to a batch. Raises InvalidArgument."""
    if wanted.batch_number:
        text = "narrows only Billing Payment Batches and Billing Reconciliation; leave it out."
        raise InvalidArgument.field("filter.batch_number", text)


def check_of_batches(wanted: ReportFilter) -> None:
    """Refuse to narrow a report of batches to what only payments have. Raises InvalidArgument."""
    for field in ("kinds", "item_categories"):
        if getattr(wanted, field):
            text = "narrows only Post-Billing Submitted and Results; leave it out."
            raise InvalidArgument.field(f"filter.{field}", text)


def check_below(unit_ids: Sequence[UUID], parents: Container[UUID]) -> None:
    """Refuse units that aren't below the parent of a report. Raises InvalidArgument."""
    for index, unit_id in enumerate(unit_ids):
        if unit_id not in parents:
            text = f"{unit_id} doesn't lie below the parent; leave it out, or ask for its enterprise."
            raise InvalidArgument.field(f"filter.business_units[{index}]", text)


def check_categories(categories: Sequence[str], known: Collection[str]) -> None:
    """Refuse item categories nothing was ever invoiced of. Raises InvalidArgument."""
    for index, category in enumerate(categories):
        if category not in known:
            there_are = f"there are {', '.join(sorted(known))}" if known else "there are none yet; leave it out"
            text = f"{category!r} is no item category of an invoice; {there_are}."
            raise InvalidArgument.field(f"filter.item_categories[{index}]", text)


def check_tenders(tenders: Sequence[str], field: str) -> None:
    """Refuse tenders there aren't. Raises InvalidArgument."""
    unknown = [tender for tender in tenders if tender not in TENDERS]
    if unknown:
        raise InvalidArgument.field(field, f"{unknown[0]!r} is no tender; there are {', '.join(TENDERS)}.")


def check_groupings(groupings: Sequence[Grouping]) -> None:
    """Refuse to group by the same twice. Raises InvalidArgument."""
    if len(set(groupings)) != len(groupings):
        raise InvalidArgument.field("group_by", "names the same twice.")


def submitted(fact: Fact) -> Submitted:
    """Read a sum as part of what was submitted."""
    if fact.kind == INVOICED:
        return Submitted(invoiced=fact.figure)
    open_part = fact.figure if is_open(fact.state) else NONE
    if fact.kind == PaymentKind.NEW:
        return Submitted(new=fact.figure, not_final=open_part)
    if fact.kind == PaymentKind.ON_ACCOUNT:
        return Submitted(on_account=fact.figure, not_final=open_part)
    return Submitted(past_due=fact.figure, not_final=open_part)


def results(fact: Fact) -> Results:
    """Read a sum as part of the results."""
    if fact.kind == INVOICED:
        return Results()
    if fact.state == State.FINALLY_DECLINED:
        return Results(declined=fact.figure)
    if fact.state == State.NOT_ATTEMPTED:
        return Results(not_attempted=fact.figure)
    if is_open(fact.state):
        return Results(not_final=fact.figure)
    return Results(retry_approved=fact.figure) if fact.is_recovered else Results(original_approved=fact.figure)


def is_open(state: str) -> bool:
    """Tell whether a payment's result isn't final yet: such figures are provisional."""
    return state in {State.CREATED, State.PENDING, State.UNKNOWN, State.DECLINED}


def make_report(
    facts: Sequence[Fact],
    read: Callable[[Fact], Measure],
    unit_names: Callable[[UUID], str],
    grouped_by: tuple[Grouping, ...],
) -> Report[Measure]:
    """Group sums by unit first, then as asked, with a line for each group and each group of groups."""
    lines = _lines(facts, read, unit_names, lambda fact: fact.groups)
    return Report(grouped_by, lines, _totals(facts, read, lambda fact: ()))


def add_tenders(report: Report[Results], facts: Sequence[Fact], unit_names: Callable[[UUID], str]) -> Report[Results]:
    """Add each tender's results to a report, of each unit and of all."""
    mine = [fact for fact in facts if fact.kind != INVOICED]
    lines = [line for line in _lines(mine, results, unit_names, lambda fact: (fact.tender,)) if line.level > 1]
    totals = _totals(mine, results, lambda fact: (fact.tender,))
    return Report(report.grouped_by, report.lines, report.totals, lines, totals)


def percent(part: int, whole: int) -> str:
    """Write a share in percent with one decimal; of nothing it is 0.0."""
    tenths = round_half_up(Fraction(part * 1000, whole)) if whole else 0
    return f"{tenths // 10}.{tenths % 10}"


def _lines(
    facts: Iterable[Fact],
    read: Callable[[Fact], Measure],
    unit_names: Callable[[UUID], str],
    groups_of: Callable[[Fact], tuple[str, ...]],
) -> list[Line[Measure]]:
    sums: dict[_Key, Measure] = {}
    for fact in facts:
        measure, groups = read(fact), groups_of(fact)
        for depth in range(len(groups) + 1):
            name = unit_names(fact.business_unit_id)
            key: _Key = (name, fact.business_unit_id, fact.currency, groups[:depth])
            sums[key] = sums[key] + measure if key in sums else measure
    return [Line(len(key[3]) + 1, key[1], _path(key), key[2], sums[key]) for key in sorted(sums)]


def _path(key: _Key) -> tuple[str, ...]:
    return (key[0], *key[3])


def _totals(
    facts: Iterable[Fact], read: Callable[[Fact], Measure], groups_of: Callable[[Fact], tuple[str, ...]]
) -> list[Line[Measure]]:
    sums: dict[tuple[str, tuple[str, ...]], Measure] = {}
    for fact in facts:
        key, measure = (fact.currency, groups_of(fact)), read(fact)
        sums[key] = sums[key] + measure if key in sums else measure
    return [Line(0, None, key[1], key[0], sums[key]) for key in sorted(sums)]
