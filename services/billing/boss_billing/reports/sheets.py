"""The reports as tables: columns with their kinds, rows with their ranks, for any kind of file. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from boss_billing.reports.rules import NONE, Figure, Line, Report, ReportFilter, Results, Submitted
from boss_kit.money import exponent

PROVISIONAL = "provisional"
Cell = str | int | Decimal | date | None


class ColumnKind(StrEnum):
    """What a column holds."""

    TEXT = "text"
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
    width: int = 14


@dataclass(frozen=True, slots=True)
class Row:
    """A row."""

    rank: Rank
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Sheet:
    """A table with its title and what it is of."""

    name: str
    title: str
    of: str
    columns: Sequence[Column]
    rows: Sequence[Row]


CURRENCY = Column("Currency", width=9)
NOTE = Column("Note", width=12)
UNIT = Column("Business unit", width=26)


def submitted_sheet(report: Report[Submitted], wanted: ReportFilter) -> Sheet:
    """Lay out Post-Billing Submitted."""
    columns = [
        *_group_columns(report),
        *_figure("New"),
        *_figure("On account"),
        *_figure("Past due"),
        *_figure("Total submitted"),
        Column("Amount invoiced", ColumnKind.MONEY, 16),
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
    return Sheet("post-billing-submitted", "Post-Billing Submitted", span(wanted), columns, rows)


def results_sheet(report: Report[Results], wanted: ReportFilter) -> Sheet:
    """Lay out Post-Billing Results, with the tenders of each unit and of all below the groups."""
    columns = [
        *_group_columns(report),
        Column("Tender", width=9),
        *_figure("Submitted"),
        *_figure("Approved"),
        *_figure("by Original"),
        *_figure("by Retry"),
        *_figure("Declined"),
        *_figure("Not attempted"),
        *_figure("Not final"),
        Column("Declined % by count", ColumnKind.PERCENT, 11),
        Column("Declined % by amount", ColumnKind.PERCENT, 11),
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
    return Sheet("post-billing-results", "Post-Billing Results", span(wanted), columns, rows)


def span(wanted: ReportFilter) -> str:
    """Say which days a report is of."""
    return f"Bill dates {wanted.first:%Y-%m-%d} to {wanted.last:%Y-%m-%d}"


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
    return Column(f"{title} #", ColumnKind.COUNT, 10), Column(title, ColumnKind.MONEY, 15)


def _group_columns(report: Report[Submitted] | Report[Results]) -> list[Column]:
    return [UNIT, *(Column(grouping.capitalize(), width=20) for grouping in report.grouped_by)]


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
