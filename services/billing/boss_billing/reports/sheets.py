"""The reports as tables: columns with their kinds, rows with their ranks, for any kind of file. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile

from boss_billing.reports.rules import EVER, NONE, Figure, Line, Report, ReportFilter, Results, Submitted
from boss_kit.money import exponent

PROVISIONAL = "provisional"
Cell = str | int | Decimal | date | None


class ColumnKind(StrEnum):
    """What a column holds; a number is a name made of digits, which nobody adds up or groups by thousands."""

    TEXT = "text"
    NUMBER = "number"
    COUNT = "count"
    MONEY = "money"
    PERCENT = "percent"
    DATE = "date"


class Rank(StrEnum):
    """What a row is: a leaf, the sum of what is below it, or the sum of all."""

    LINE = "line"
    SUBTOTAL = "subtotal"
    UNIT = "business unit"
    TENDER = "tender"
    TENDER_TOTAL = "tender total"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Column:
    """A column."""

    title: str
    kind: ColumnKind = ColumnKind.TEXT


@dataclass(frozen=True, slots=True)
class Row:
    """A row."""

    rank: Rank
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sheet:
    """A table with its title, what it is of, a line each, and what to say where it is empty."""

    name: str
    title: str
    of: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Row]
    nothing: str = "Nothing was billed in these days."


@dataclass(frozen=True)
class Part:
    """A part of a table that people read for itself: its title, columns and rows."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


CURRENCY = Column("Currency")
NOTE = Column("Note")
UNIT = Column("Business unit")
_OF_TENDERS = (Rank.TENDER, Rank.TENDER_TOTAL)


def parts_of(sheet: Sheet) -> list[Part]:
    """Put what a table says of tenders apart; each part has the groups that it is of."""
    of_tenders = [row for row in sheet.rows if row.rank in _OF_TENDERS]
    if not of_tenders:
        return [Part(sheet.title, sheet.columns, sheet.rows)]
    others = [row for row in sheet.rows if row.rank not in _OF_TENDERS]
    totals = [row for row in others if row.rank is Rank.TOTAL]
    return [_part(sheet, sheet.title, others), _part(sheet, "By tender", [*of_tenders, *totals])]


def _part(sheet: Sheet, title: str, rows: Sequence[Row]) -> Part:
    groups = list(takewhile(lambda place: sheet.columns[place].kind is ColumnKind.TEXT, range(len(sheet.columns))))
    unused = {place for place in groups if not any(row.cells[place] for row in rows)}
    places = [place for place in range(len(sheet.columns)) if place not in unused]
    return Part(
        title,
        [sheet.columns[place] for place in places],
        [Row(row.rank, tuple(row.cells[place] for place in places)) for row in rows],
    )


def submitted_sheet(report: Report[Submitted], of: Sequence[str]) -> Sheet:
    """Lay out Post-Billing Submitted."""
    columns = [
        *_group_columns(report),
        *_figure("New"),
        *_figure("On account"),
        *_figure("Past due"),
        *_figure("Total submitted"),
        Column("Amount invoiced", ColumnKind.MONEY),
        CURRENCY,
        NOTE,
    ]
    depth = len(report.grouped_by) + 1

    def row(line: Line[Submitted]) -> Row:
        one, currency = line.measure, line.currency
        figures = (one.new, one.on_account, one.past_due, one.total)
        sums = [cell for figure in figures for cell in cells_of(figure, currency)]
        invoiced = money(one.invoiced.amount_minor, currency)
        return Row(
            _rank(line, depth), (*_groups(line, depth), *sums, invoiced, currency, note(is_final=one.not_final == NONE))
        )

    rows = [row(line) for line in (*report.lines, *report.totals)]
    return Sheet("post-billing-submitted", "Post-Billing Submitted", of, columns, rows)


def results_sheet(report: Report[Results], of: Sequence[str]) -> Sheet:
    """Lay out Post-Billing Results, with the tenders of each unit and of all below the groups."""
    columns = [
        *_group_columns(report),
        Column("Tender"),
        *_figure("Submitted"),
        *_figure("Approved"),
        *_figure("by Original"),
        *_figure("by Retry"),
        *_figure("Declined"),
        *_figure("Not attempted"),
        *_figure("Not final"),
        Column("Declined % by count", ColumnKind.PERCENT),
        Column("Declined % by amount", ColumnKind.PERCENT),
        CURRENCY,
        NOTE,
    ]
    depth = len(report.grouped_by) + 1

    def row(line: Line[Results], rank: Rank, groups: Sequence[str], tender: str) -> Row:
        one, currency = line.measure, line.currency
        figures = (
            one.submitted,
            one.approved,
            one.original_approved,
            one.retry_approved,
            one.declined,
            one.not_attempted,
            one.not_final,
        )
        sums = [cell for figure in figures for cell in cells_of(figure, currency)]
        shares = (Decimal(one.declined_by_count), Decimal(one.declined_by_amount))
        end = (*shares, currency, note(is_final=one.not_final == NONE))
        return Row(rank, (*groups, tender, *sums, *end))

    rows = [row(line, _rank(line, depth), _groups(line, depth), "") for line in report.lines]
    rows += [row(line, Rank.TENDER, _padded(line.groups[:1], depth), line.groups[1]) for line in report.tender_lines]
    rows += [
        row(line, Rank.TENDER_TOTAL, _padded(("All business units",), depth), line.groups[0])
        for line in report.tender_totals
    ]
    rows += [row(line, Rank.TOTAL, _groups(line, depth), "") for line in report.totals]
    return Sheet("post-billing-results", "Post-Billing Results", of, columns, rows)


def described(
    wanted: ReportFilter, unit_names: Sequence[str] | None, *, only_differences: bool = False
) -> tuple[str, ...]:
    """Say what a report is of: its days, then its filters; no units are all of them."""
    batch = [f"Batch {wanted.batch_number}"] if wanted.batch_number else []
    is_ever = (wanted.first, wanted.last) == EVER
    days = [] if is_ever else [f"Bill dates {wanted.first:%Y-%m-%d} to {wanted.last:%Y-%m-%d}"]
    filters = [
        "All business units" if unit_names is None else _named("Business units", unit_names),
        _named("tenders", wanted.tenders) if wanted.tenders else "all tenders",
        *([_named("kinds", wanted.kinds)] if wanted.kinds else []),
        *([_named("item categories", wanted.item_categories)] if wanted.item_categories else []),
        *(["only batches that differ"] if only_differences else []),
    ]
    return ", ".join([*batch, *days]), "; ".join(filters)


def _named(what: str, names: Sequence[str]) -> str:
    return f"{what}: {', '.join(names) or 'none'}"


def money(amount_minor: int, currency: str) -> Decimal:
    """Write an amount in its currency's own unit."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def cells_of(figure: Figure, currency: str) -> tuple[Cell, Cell]:
    """Write how many, and what they come to."""
    return figure.count, money(figure.amount_minor, currency)


def note(*, is_final: bool) -> str:
    """Mark what isn't final."""
    return "" if is_final else PROVISIONAL


def _figure(title: str) -> tuple[Column, Column]:
    return Column(f"{title} #", ColumnKind.COUNT), Column(title, ColumnKind.MONEY)


def _group_columns(report: Report[Submitted] | Report[Results]) -> list[Column]:
    return [UNIT, *(Column(grouping.capitalize()) for grouping in report.grouped_by)]


def _groups(line: Line[Submitted] | Line[Results], depth: int) -> tuple[str, ...]:
    return _padded(line.groups or ("Grand total",), depth)


def _padded(groups: tuple[str, ...], depth: int) -> tuple[str, ...]:
    return (*groups, *[""] * (depth - len(groups)))


def _rank(line: Line[Submitted] | Line[Results], depth: int) -> Rank:
    if line.level == 0:
        return Rank.TOTAL
    if line.level == 1:
        return Rank.UNIT
    return Rank.LINE if line.level == depth else Rank.SUBTOTAL
