"""Read a statement file: CSV with a named header; a bad file is refused whole, with the line and the reason."""

import csv
import hashlib
import io

from boss_billing.deposits.rules import DepositNotice
from boss_billing.deposits.source import DepositSource, RowReader
from boss_kit.errors import FieldViolation, InvalidArgument
from boss_kit.money import Money

LINES_MAX = 200_000
VIOLATIONS_MAX = 50
SPOKEN_MAX = 3
HASH_LETTERS = 16


def content_hash(content: bytes) -> bytes:
    """Hash a file, so that the same one twice is once."""
    return hashlib.sha256(content).digest()


def read_statement(content: bytes, source: DepositSource, currency: str) -> list[DepositNotice]:
    """Read the deposits of a statement. Raises InvalidArgument naming every line that is wrong."""
    reader = csv.reader(io.StringIO(_text(content), newline=""), delimiter=source.delimiter, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _refused([FieldViolation(f"content[line {reader.line_num}]", f"isn't CSV: {error}.")]) from None
    if len(rows) < 2:
        raise _refused([FieldViolation("content", "has no deposits: a header and at least one line are needed.")])
    if len(rows) > LINES_MAX:
        raise _refused([FieldViolation("content", f"has more than {LINES_MAX:,} lines; send it in parts.")])
    header = _header(rows[0], source)
    rules = RowReader(source, content_hash(content).hex()[:HASH_LETTERS], currency)
    notices: list[DepositNotice] = []
    wrong: list[FieldViolation] = []
    for line_no, row in rows[1:]:
        if len(row) != len(header):
            wrong.append(FieldViolation(f"content[line {line_no}]", f"has {len(row)} cells, not {len(header)}."))
            continue
        read = rules.read(line_no, dict(zip(header, row, strict=True)))
        if isinstance(read, list):
            wrong.extend(read)
        else:
            notices.append(read)
    wrong.extend(_repeats(notices))
    if wrong:
        raise _refused(wrong)
    return notices


def check_counts(notices: list[DepositNotice], lines: int | None, total: Money | None, *, ends: bool) -> None:
    """Compare a file with what its sender says of it. Raises InvalidArgument for a file that was cut, or may have been.

    One that doesn't end with a line break may have lost the end of its last number, unless the total says it didn't.
    """
    if lines is not None and lines != len(notices):
        raise _refused([FieldViolation("line_count", f"says {lines}, the file has {len(notices)} deposits.")])
    found = Money(sum(one.gross_minor for one in notices), notices[0].currency)
    if total is not None and total != found:
        raise _refused([FieldViolation("total", f"says {total}, the lines of the file come to {found}.")])
    if total is None and not ends:
        text = "ends without a line break, so it may have been cut; end the line, or send the total of the file along."
        raise _refused([FieldViolation(f"content[line {notices[-1].line_no}]", text)])


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused([FieldViolation(f"content[line {line}]", "isn't UTF-8.")]) from None


def _header(row: tuple[int, list[str]], source: DepositSource) -> list[str]:
    line_no, cells = row
    header = [cell.strip() for cell in cells]
    missing = sorted(column for column in source.columns.values() if column and column not in header)
    if missing:
        text = f"has no column {', '.join(missing)}, which {source.name} needs."
        raise _refused([FieldViolation(f"content[line {line_no}]", text)])
    if len(set(header)) != len(header):
        raise _refused([FieldViolation(f"content[line {line_no}]", "names a column twice.")])
    return header


def _repeats(notices: list[DepositNotice]) -> list[FieldViolation]:
    first: dict[str, int] = {}
    found = []
    for one in notices:
        if one.deposit_key in first:
            text = f"is deposit {one.deposit_key}, as is line {first[one.deposit_key]}."
            found.append(FieldViolation(f"content[line {one.line_no}]", text))
        first.setdefault(one.deposit_key, one.line_no)
    return found


def _refused(violations: list[FieldViolation]) -> InvalidArgument:
    spoken = "; ".join(f"{one.field} {one.description.rstrip('.')}" for one in violations[:SPOKEN_MAX])
    more = f"; and {len(violations) - SPOKEN_MAX} more" if len(violations) > SPOKEN_MAX else ""
    return InvalidArgument(
        "STATEMENT_REFUSED",
        f"Nothing of the file was taken: {spoken}{more}.",
        metadata={"field": violations[0].field},
        violations=violations[:VIOLATIONS_MAX],
    )
