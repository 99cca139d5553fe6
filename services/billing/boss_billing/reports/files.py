"""Write a report's table as CSV or as an Excel workbook."""

import codecs
import csv
import io
import re
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter

from boss_billing.reports.sheets import Cell, ColumnKind, Rank, Sheet

HEADER_ROW = 3
_NAVY, _GREY, _LIGHT = "#1F3A5F", "#6B7280", "#EEF2F7"
_NUMBERS = {
    ColumnKind.TEXT: "@",
    ColumnKind.COUNT: "#,##0",
    ColumnKind.MONEY: "#,##0.00;[Red]-#,##0.00;-",
    ColumnKind.PERCENT: '0.0"%"',
    ColumnKind.DATE: "yyyy-mm-dd",
}
_RANKS: dict[Rank, dict[str, object]] = {
    Rank.LINE: {},
    Rank.SUBTOTAL: {"bold": True},
    Rank.UNIT: {"bold": True, "bg_color": _LIGHT},
    Rank.TENDER: {},
    Rank.TENDER_TOTAL: {"bold": True},
    Rank.TOTAL: {"bold": True, "top": 6, "bg_color": _LIGHT},
}
# A cell that begins so would be a formula to a spreadsheet: one drops white space before the sign, and an Asian one
# takes the wide signs, too.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?")


def csv_file(sheet: Sheet) -> bytes:
    """Write CSV (RFC 4180): a header, then a row a line; the first column says what a row is.

    The byte order mark is what spreadsheets know UTF-8 by; without it an accent in a name is lost.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["Row", *(column.title for column in sheet.columns)])
    for row in sheet.rows:
        writer.writerow([row.rank.value, *(_text(cell) for cell in row.cells)])
    return codecs.BOM_UTF8 + text.getvalue().encode()


def xlsx_file(sheet: Sheet) -> bytes:
    """Write a workbook of one sheet: title, a header that stays, numbers as numbers, sums in bold."""
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    page = workbook.add_worksheet(sheet.title[:31])
    formats = {
        (kind, rank): workbook.add_format({"num_format": _NUMBERS[kind], "font_size": 10, **_RANKS[rank]})
        for kind in ColumnKind
        for rank in Rank
    }
    _head(workbook, page, sheet)
    for number, row in enumerate(sheet.rows, HEADER_ROW + 1):
        for place, (column, cell) in enumerate(zip(sheet.columns, row.cells, strict=True)):
            _write(page, number, place, cell, formats[column.kind, row.rank])
    page.autofilter(HEADER_ROW, 0, HEADER_ROW + len(sheet.rows), len(sheet.columns) - 1)
    workbook.close()
    return content.getvalue()


def _head(workbook: Any, page: Any, sheet: Sheet) -> None:
    page.write_string(0, 0, sheet.title, workbook.add_format({"bold": True, "font_size": 16, "font_color": _NAVY}))
    page.write_string(1, 0, sheet.of, workbook.add_format({"font_size": 10, "font_color": _GREY}))
    look = {"bold": True, "font_color": "white", "bg_color": _NAVY, "text_wrap": True, "valign": "vcenter"}
    left, right = (workbook.add_format({**look, "align": align}) for align in ("left", "right"))
    for place, column in enumerate(sheet.columns):
        is_text = column.kind in (ColumnKind.TEXT, ColumnKind.DATE)
        page.set_column(place, place, column.width)
        page.write_string(HEADER_ROW, place, column.title, left if is_text else right)
    page.set_row(0, 24)
    page.set_row(HEADER_ROW, 32)
    page.freeze_panes(HEADER_ROW + 1, 1)
    page.hide_gridlines(2)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(HEADER_ROW)
    page.set_footer("&L&A&RPage &P of &N")


def _write(page: Any, row: int, place: int, cell: Cell, look: Any) -> None:
    if cell is None or cell == "":
        page.write_blank(row, place, None, look)
    elif isinstance(cell, date):
        page.write_datetime(row, place, cell, look)
    elif isinstance(cell, str):
        page.write_string(row, place, cell, look)
    else:
        page.write_number(row, place, cell, look)


def _text(cell: Cell) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if _is_formula(cell) else cell
    return "" if cell is None else f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def _is_formula(text: str) -> bool:
    """Tell whether a spreadsheet would compute a text; a number is none, whatever its sign."""
    return text.lstrip(" ").startswith(_FORMULA_SIGNS) and not _NUMBER.fullmatch(text.strip())
