"""Write a report's table as CSV."""

import codecs
import csv
import io
import re
from datetime import date
from decimal import Decimal

from boss_billing.reports.sheets import Cell, Sheet

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


def _text(cell: Cell) -> str:
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if _is_formula(cell) else cell
    return "" if cell is None else f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def _is_formula(text: str) -> bool:
    """Tell whether a spreadsheet would compute a text; a number is none, whatever its sign."""
    return text.lstrip(" ").startswith(_FORMULA_SIGNS) and not _NUMBER.fullmatch(text.strip())
