"""How a source writes its statements, and a row of one read by it. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TypeVar

from boss_billing.deposits.rules import TENDER_ORDER, DepositNotice, check_amount
from boss_kit.cards import find_card_number
from boss_kit.days import check_year
from boss_kit.errors import FieldViolation, InvalidArgument
from boss_kit.money import parse_money

T = TypeVar("T")
LENGTH_MAX = 200
NUMBER_MAX = 2**63 - 1
FIELDS = ("deposit_key", "statement", "deposit_date", "batch_number", "label", "tender", "amount", "fee", "transaction")
REQUIRED = ("deposit_date", "batch_number", "amount")
DATE_FORMATS = {
    "YYYY-MM-DD": re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
    "MM/DD/YYYY": re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"),
    "DD.MM.YYYY": re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
    "YYYYMMDD": re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"),
}
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
DELIMITERS = (",", ";", "|", "\t")
LABELS = {"ORIGINAL": "Original", "RETRY": "Retry"}
TENDER_NAMES = {
    **{tender: tender for tender in TENDER_ORDER},
    "MASTERCARD": "MC",
    "DISCOVER": "DISC",
    "AMERICAN EXPRESS": "AMEX",
    "BANK": "ACH",
    "E-CHECK": "ACH",
}


@dataclass(frozen=True)
class DepositSource:
    """A bank or processor: which column of its statements holds what. A field without a column isn't told."""

    name: str
    delimiter: str
    date_format: str
    columns: Mapping[str, str]


def check_source(source: DepositSource) -> None:
    """Refuse a source that no statement could be read by. Raises InvalidArgument."""
    if source.delimiter not in DELIMITERS:
        raise InvalidArgument.field("deposit_source.delimiter", "must be a comma, a semicolon, a pipe or a tab.")
    if source.date_format not in DATE_FORMATS:
        raise InvalidArgument.field("deposit_source.date_format", f"must be one of {', '.join(DATE_FORMATS)}.")
    unknown = sorted(set(source.columns) - set(FIELDS))
    if unknown:
        raise InvalidArgument.field(
            "deposit_source.columns", f"{unknown[0]} isn't a field of a deposit; the fields are {', '.join(FIELDS)}."
        )
    missing = [name for name in REQUIRED if not source.columns.get(name)]
    if missing:
        raise InvalidArgument.field("deposit_source.columns", f"{missing[0]} needs a column: no deposit is without it.")
    named = [column for column in source.columns.values() if column]
    if len(set(named)) != len(named):
        raise InvalidArgument.field("deposit_source.columns", "name each column once.")


@dataclass(frozen=True)
class RowReader:
    """Reads the rows of one statement; `statement` stands in where the file names none, such as the file's hash."""

    source: DepositSource
    statement: str
    currency: str

    def read(self, line_no: int, row: Mapping[str, str]) -> DepositNotice | list[FieldViolation]:
        """Read a row, or say what is wrong with it."""
        cells = _Cells(self.source, line_no, row)
        notice = DepositNotice(
            deposit_key=cells.take("deposit_key", str, f"{self.statement}/{line_no}"),
            source=self.source.name,
            statement=cells.take("statement", str, self.statement),
            deposit_date=cells.take("deposit_date", partial(_date, self.source.date_format), date.min),
            batch_number=cells.take("batch_number", _batch_number, 0),
            label=cells.take("label", partial(_word, LABELS, "Original, Retry or empty"), ""),
            tender=cells.take("tender", partial(_word, TENDER_NAMES, ", ".join(TENDER_ORDER)), ""),
            gross_minor=cells.take("amount", partial(_amount, self.currency), 0),
            fee_minor=cells.take("fee", partial(_fee, self.currency), 0),
            currency=self.currency,
            transaction_id=cells.take("transaction", str, ""),
            line_no=line_no,
        )
        return cells.wrong or notice


@dataclass
class _Cells:
    """The cells of a row, by field, and what is wrong with them."""

    source: DepositSource
    line_no: int
    row: Mapping[str, str]
    wrong: list[FieldViolation] = field(default_factory=list)

    def take(self, name: str, parse: Callable[[str], T], otherwise: T) -> T:
        """Read a field; an empty one is as told."""
        column = self.source.columns.get(name, "")
        text = (self.row.get(column) or "").strip() if column else ""
        try:
            _check_text(name, text)
            return parse(text) if text else otherwise
        except InvalidArgument as error:
            where = f"content[line {self.line_no}].{column or name}"
            self.wrong.append(FieldViolation(where, error.violations[0].description))
            return otherwise


def _check_text(name: str, text: str) -> None:
    if name in REQUIRED and not text:
        raise InvalidArgument.field(name, "must not be empty.")
    if len(text) > LENGTH_MAX:
        raise InvalidArgument.field(name, f"is longer than {LENGTH_MAX} characters.")
    if not text.isprintable():
        raise InvalidArgument.field(name, "holds a control character.")
    if find_card_number(text) is not None:
        raise InvalidArgument.field(name, "holds what looks like a card number; nothing here may.")


def _date(form: str, text: str) -> date:
    match = DATE_FORMATS[form].fullmatch(text)
    if match is None:
        raise InvalidArgument.field("deposit_date", f"{text[:40]!r} isn't written as {form}.")
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        raise InvalidArgument.field("deposit_date", f"{text[:40]} is not a day of the calendar.") from None
    return check_year(day, "deposit_date")


def _batch_number(text: str) -> int:
    bare = text.removeprefix("#").strip()
    if not (bare.isascii() and bare.isdigit()) or int(bare) > NUMBER_MAX:
        raise InvalidArgument.field("batch_number", f"{text[:40]!r} is not a batch number.")
    return int(bare)


def _amount(currency: str, text: str) -> int:
    amount = _fee(currency, text)
    if amount == 0:
        raise InvalidArgument.field("amount", "must not be zero: nothing was paid out.")
    return amount


def _fee(currency: str, text: str) -> int:
    bare = text.removeprefix("$")
    if "," in bare and not _THOUSANDS.fullmatch(bare):
        # As a decimal sign it would make a hundredfold of an amount that is just cleared of it.
        raise InvalidArgument.field("amount", f"{text[:40]!r} is not a number; write it like 1,234.56 or 1234.56.")
    amount = parse_money(bare.replace(",", ""), currency)
    return check_amount(amount, "amount").amount_minor


def _word(words: Mapping[str, str], known: str, text: str) -> str:
    found = words.get(text.upper())
    if found is None:
        raise InvalidArgument.field("word", f"{text[:40]!r} isn't known; write {known}.")
    return found
