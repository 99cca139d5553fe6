"""Write a report's table as an Excel workbook: numbers as numbers, as wide as they are, and fit to print."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from textwrap import wrap
from typing import Any

import xlsxwriter

from boss_billing.reports.sheets import Cell, Column, ColumnKind, Part, Rank, Row, Sheet, parts_of

HEADER_ROW = 4
WIDTH_MAX = 60
WIDTH_MIN = 6
MARGIN = 2
ROW_HEIGHT = 14
TOTAL_SPACE = 4
_PAGE_MARGINS_INCH = {"left": 0.4, "right": 0.4, "top": 0.5, "bottom": 0.6}
_NAVY, _GREY, _LIGHT = "#1F3A5F", "#6B7280", "#EEF2F7"
_NUMBERS = {
    ColumnKind.TEXT: "@",
    ColumnKind.NUMBER: "0",
    ColumnKind.COUNT: "#,##0;-#,##0;-",
    ColumnKind.PERCENT: '0.0"%"',
    ColumnKind.DATE: "yyyy-mm-dd",
}
_LEFT = (ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.DATE)
_RANKS: Mapping[Rank, Mapping[str, object]] = {
    Rank.LINE: {},
    Rank.SUBTOTAL: {"bold": True},
    Rank.UNIT: {"bold": True, "bg_color": _LIGHT},
    Rank.TENDER: {},
    Rank.TENDER_TOTAL: {"bold": True},
    Rank.TOTAL: {"bold": True, "top": 6, "bg_color": _LIGHT},
}


def xlsx_file(sheet: Sheet) -> bytes:
    """Write a workbook: each part of the table on a page of its own, with what it is of and a header that stays."""
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    workbook.set_properties({"title": sheet.title, "comments": "\n".join(sheet.of)})
    looks = _Looks(workbook)
    for part in parts_of(sheet):
        _write_part(workbook.add_worksheet(part.title[:31]), sheet, part, looks)
    workbook.close()
    return content.getvalue()


def _write_part(page: Any, sheet: Sheet, part: Part, looks: "_Looks") -> None:
    widths = _write_head(page, sheet, part, looks)
    for number, row in enumerate(part.rows, HEADER_ROW + 1):
        for place, (column, cell) in enumerate(zip(part.columns, row.cells, strict=True)):
            _write(page, number, place, cell, looks.of(column.kind, row.rank, cell, is_apart=_is_apart(part, place)))
        page.set_row(number, _height(row, widths))
    if part.rows:
        page.autofilter(HEADER_ROW, 0, HEADER_ROW + len(part.rows), len(part.columns) - 1)
    else:
        page.write_string(HEADER_ROW + 1, 0, sheet.nothing, looks.made(italic=True, font_color=_GREY))
    page.freeze_panes(HEADER_ROW + 1, 1)
    page.hide_gridlines(2)
    page.set_landscape()
    page.set_margins(**_PAGE_MARGINS_INCH)
    page.fit_to_pages(1, 0)
    page.repeat_rows(HEADER_ROW)
    page.set_footer("&L&A&CPrinted on &D&RPage &P of &N")


def _write_head(page: Any, sheet: Sheet, part: Part, looks: "_Looks") -> Sequence[int]:
    """Write the title, what it is of, and the header; give the widths of the columns."""
    title = sheet.title if part.title == sheet.title else f"{sheet.title}: {part.title.lower()}"
    page.write_string(0, 0, title, looks.made(bold=True, font_size=16, font_color=_NAVY))
    page.set_row(0, 24)
    for number, text in enumerate(sheet.of, 1):
        page.write_string(number, 0, text, looks.made(font_color=_GREY))
    lines, widths = 1, []
    for place, column in enumerate(part.columns):
        width = _width(column, [row.cells[place] for row in part.rows])
        widths.append(width)
        page.set_column(place, place, width)
        lines = max(lines, len(wrap(_title(column), width - MARGIN)))
        align = "left" if column.kind in _LEFT else "right"
        look = looks.made(
            bold=True, font_color="white", bg_color=_NAVY, text_wrap=True, valign="vcenter", align=align,
            indent=int(_is_apart(part, place)),
        )  # fmt: skip
        page.write_string(HEADER_ROW, place, _title(column), look)
    page.set_row(HEADER_ROW, ROW_HEIGHT * lines + 6)
    return widths


def _title(column: Column) -> str:
    """Give a column's title, whose number sign never stands on a line of its own."""
    return column.title.replace(" #", "\N{NO-BREAK SPACE}#")


def _is_apart(part: Part, place: int) -> bool:
    """Tell whether a column of words follows one of numbers, which would touch it."""
    return place > 0 and part.columns[place].kind in _LEFT and part.columns[place - 1].kind not in _LEFT


def _width(column: Column, cells: Sequence[Cell]) -> int:
    """Give the width that a column's cells and the longest word of its title need, in letters."""
    longest = max((len(_shown(cell)) for cell in cells), default=0)
    words = max(map(len, _title(column).split(" ")))
    return min(max(WIDTH_MIN, words, longest) + MARGIN, WIDTH_MAX)


def _height(row: Row, widths: Sequence[int]) -> int:
    """Give a row the height of its longest text; not every program finds it by itself."""
    lines = [
        len(wrap(cell, width - MARGIN))
        for cell, width in zip(row.cells, widths, strict=True)
        if isinstance(cell, str) and len(cell) > width - MARGIN
    ]
    return ROW_HEIGHT * max(lines, default=1) + (TOTAL_SPACE if row.rank is Rank.TOTAL else 0)


def _shown(cell: Cell) -> str:
    if isinstance(cell, int | Decimal):
        return f"{cell:,}"
    return "" if cell is None else str(cell)


def _write(page: Any, row: int, place: int, cell: Cell, look: Any) -> None:
    if cell is None or cell == "":
        page.write_blank(row, place, None, look)
    elif isinstance(cell, date):
        page.write_datetime(row, place, cell, look)
    elif isinstance(cell, str):
        page.write_string(row, place, cell, look)
    else:
        page.write_number(row, place, cell, look)


@dataclass
class _Looks:
    """The formats of a workbook, each made once."""

    workbook: Any
    _made: dict[tuple[tuple[str, object], ...], Any] = field(default_factory=dict)
    _found: dict[tuple[ColumnKind, Rank, int, bool], Any] = field(default_factory=dict)

    def made(self, **look: object) -> Any:
        """Give a format."""
        key = tuple(sorted(look.items()))
        if key not in self._made:
            self._made[key] = self.workbook.add_format({"font_size": 10, "valign": "vcenter", **look})
        return self._made[key]

    def of(self, kind: ColumnKind, rank: Rank, cell: Cell, *, is_apart: bool) -> Any:
        """Give the format of a cell; an amount has the decimals of its currency."""
        decimals = _decimals(cell) if kind is ColumnKind.MONEY else 0
        key = (kind, rank, decimals, is_apart)
        if key not in self._found:
            number = _money(decimals) if kind is ColumnKind.MONEY else _NUMBERS[kind]
            align = {"align": "left", "indent": int(is_apart)} if kind in _LEFT else {}
            wraps = {"text_wrap": True} if kind is ColumnKind.TEXT else {}
            self._found[key] = self.made(num_format=number, **align, **wraps, **_RANKS[rank])
        return self._found[key]


def _decimals(cell: Cell) -> int:
    exponent = cell.as_tuple().exponent if isinstance(cell, Decimal) else 0
    return -exponent if isinstance(exponent, int) else 0


def _money(decimals: int) -> str:
    """Write the format of amounts: below zero in red, nothing at all as a dash."""
    number = "#,##0" + ("." + "0" * decimals if decimals else "")
    return f"{number};[Red]-{number};-"
