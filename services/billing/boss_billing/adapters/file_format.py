"""The files of a processor that works with files: pipe-delimited, a named header row, a trailer that counts. Pure.

One bad row refuses the whole file, and the refusal names its line: half a truth about money is none.
"""

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Generic, TypeVar
from uuid import UUID

from boss_billing.batches.rules import Submission
from boss_billing.callbacks.rules import RefundCallback, ResultCallback, ReturnCallback, UpdateCallback
from boss_billing.chargebacks.rules import ReturnKind
from boss_billing.funding.rules import SubmittedInquiry, UpdateOutcome
from boss_billing.refunds.rules import SubmittedRefunds
from boss_billing.units.rules import UNIT_NAME
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money, exponent, parse_money

C = TypeVar("C")
TRAILER = "trailer"
SALE, CREDIT = "sale", "credit"
"""The operations of a request's row: money is taken, or goes back."""

REQUEST_COLUMNS = (
    "business_unit", "operation", "transaction_code", "account", "type", "accessory", "date", "amount", "currency",
    "memo",
)  # fmt: skip
RESPONSE_COLUMNS = (*REQUEST_COLUMNS, "submission_id", "transaction_id", "response_code", "response_message")
_CARD = ("account", "type", "last4")
INQUIRY_COLUMNS = ("inquiry_code", *_CARD, "accessory")
_NEWS = ("update_id", "outcome", "new_account", "new_last4", "new_accessory")
UPDATE_COLUMNS = (*INQUIRY_COLUMNS, *_NEWS)
NEWS_COLUMNS = ("business_unit", "account", *_NEWS)
"""What the card updater says without being asked: of the source with this token, wherever in the enterprise it is."""

RETURN_COLUMNS = (
    "business_unit", "return_id", "kind", "transaction_code", "transaction_id", "date", "amount", "currency",
    "response_code", "response_message",
)  # fmt: skip

_OUTCOMES = {
    "NEW_NUMBER": UpdateOutcome.NEW_NUMBER,
    "NEW_EXPIRY": UpdateOutcome.NEW_EXPIRY,
    "CLOSED": UpdateOutcome.CLOSED,
    "CONTACT_HOLDER": UpdateOutcome.CONTACT_HOLDER,
    "NO_CHANGE": UpdateOutcome.NO_CHANGE,
}

_INQUIRY = "upd_"
_KINDS = {"RETURN": ReturnKind.RETURN, "CHARGEBACK": ReturnKind.CHARGEBACK, "REVERSAL": ReturnKind.REVERSAL}


class FileRefusedError(Exception):
    """Nothing of a file is taken; the line is the first one that is wrong."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Row:
    """A row and the line it stands on."""

    line: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def required(self, column: str) -> str:
        """Give a value. Raises FileRefusedError for an empty one."""
        if not self.values[column]:
            raise FileRefusedError(self.line, f"{column} is empty.")
        return self.values[column]

    def money(self) -> Money:
        """Read the amount. Raises FileRefusedError for one that can't be."""
        try:
            return parse_money(self.required("amount"), self.required("currency"))
        except InvalidArgument as error:
            raise FileRefusedError(self.line, error.message) from None

    def unit(self) -> Mapping[str, UUID]:
        """Read whose row it is: `e` and `b`. Raises FileRefusedError for what is no unit's name."""
        try:
            return names.parse(UNIT_NAME, self["business_unit"])
        except InvalidArgument:
            text = f"{self['business_unit'][:100]!r} isn't a business unit."
            raise FileRefusedError(self.line, text) from None


@dataclass(frozen=True)
class Told(Generic[C]):
    """What a file says: whose enterprise's it is, its rows, and the callback that each is."""

    enterprise_id: UUID
    rows: Sequence[Row]
    callbacks: Sequence[C]


def write_requests(submission: Submission) -> str:
    """Write a batch as a request file."""
    unit = f"enterprises/{submission.enterprise_id}/businessUnits/{submission.business_unit_id}"
    rows = [
        (
            unit,
            SALE,
            str(one.attempt_id),
            one.token,
            one.tender,
            _accessory(one.expiry_month, one.expiry_year),
            one.business_date.isoformat(),
            _plain(Money(one.amount_minor, one.currency)),
            one.currency,
            _flat(one.description),
        )
        for one in submission.attempts
    ]
    return _write(REQUEST_COLUMNS, rows)


def write_refunds(submission: SubmittedRefunds) -> str:
    """Write refunds as a request file, a credit each; a token stands for the expiry, too."""
    unit = f"enterprises/{submission.enterprise_id}/businessUnits/{submission.business_unit_id}"
    rows = [
        (
            unit,
            CREDIT,
            one.key,
            one.token,
            one.tender,
            "",
            one.business_date.isoformat(),
            _plain(Money(one.amount_minor, one.currency)),
            one.currency,
            "Refund",
        )
        for one in submission.refunds
    ]
    return _write(REQUEST_COLUMNS, rows)


def write_inquiries(inquiries: Sequence[SubmittedInquiry]) -> str:
    """Write questions to the card updater as a request file."""
    rows = [
        (str(one.inquiry_id), one.token, one.tender, one.last4, _accessory(one.expiry_month, one.expiry_year))
        for one in inquiries
    ]
    return _write(INQUIRY_COLUMNS, rows)


def read_responses(text: str, request: str, enterprise_id: UUID) -> Told[ResultCallback | RefundCallback]:
    """Read the response to a request file. Raises FileRefusedError unless it answers each row of it, once."""
    asked = {row["transaction_code"]: row for row in read_rows(request, REQUEST_COLUMNS)}
    rows = read_rows(text, RESPONSE_COLUMNS)
    _check_answers(rows, "transaction_code", asked)
    return Told(enterprise_id, rows, [_response(row, asked[row["transaction_code"]]) for row in rows])


def read_news(text: str) -> Told[UpdateCallback]:
    """Read what the card updater says of one enterprise's sources unasked.

    Raises FileRefusedError for a row of another enterprise, or one that comes twice.
    """
    rows = read_rows(text, NEWS_COLUMNS)
    enterprise_id = _enterprise_of(rows)
    _check_once(rows, "update_id")
    for row in rows:
        if row.unit()["e"] != enterprise_id:
            raise FileRefusedError(row.line, f"{row['business_unit'][:100]!r} is another enterprise's.")
    return Told(enterprise_id, rows, [_update(row, token=row.required("account")) for row in rows])


def read_updates(text: str, request: str, enterprise_id: UUID) -> Told[UpdateCallback]:
    """Read the answers to questions to the card updater.

    Raises FileRefusedError unless all are answered, once, each about the card that was asked about.
    """
    asked = {row["inquiry_code"]: row for row in read_rows(request, INQUIRY_COLUMNS)}
    rows = read_rows(text, UPDATE_COLUMNS)
    _check_answers(rows, "inquiry_code", asked)
    for row in rows:
        wrong = next((one for one in _CARD if row[one] != asked[row["inquiry_code"]][one]), None)
        if wrong is not None:
            raise FileRefusedError(row.line, f"{wrong} isn't that of the card this inquiry is about.")
    return Told(enterprise_id, rows, [_update(row) for row in rows])


def read_returns(text: str) -> Told[ReturnCallback]:
    """Read returns, chargebacks and reversals of one unit.

    Raises FileRefusedError for a row of another unit, or one that comes twice.
    """
    rows = read_rows(text, RETURN_COLUMNS)
    enterprise_id = _enterprise_of(rows)
    for row in rows:
        if row.unit() != rows[0].unit():
            raise FileRefusedError(row.line, f"{row['business_unit'][:100]!r} isn't the unit of the lines before.")
    _check_once(rows, "return_id")
    return Told(enterprise_id, rows, [_return(row) for row in rows])


def check_owners(
    rows: Sequence[Row], column: str, units: Collection[UUID], owners: Mapping[str, Collection[UUID]]
) -> None:
    """Compare the unit of each row with those that have what it names; what nobody has is kept and listed later.

    Raises FileRefusedError for a unit that the enterprise hasn't, or what other units have and this one hasn't.
    """
    for row in rows:
        unit_id = row.unit()["b"]
        if unit_id not in units:
            raise FileRefusedError(row.line, f"{row['business_unit'][:100]!r} isn't a business unit known here.")
        if unit_id not in owners.get(row[column], (unit_id,)):
            raise FileRefusedError(row.line, f"{column} names what another business unit's is.")


def read_rows(text: str, columns: Sequence[str]) -> Sequence[Row]:
    """Read a file's rows by the names in its header. Raises FileRefusedError for a cut, wrong or miscounted file."""
    lines = _lines(text)
    last, trailer = lines[-1] if lines else (1, [])
    if not text.endswith("\n") or trailer[:1] != [TRAILER]:
        raise FileRefusedError(last, "the file ends without its trailer: it was cut.")
    header = _header(lines[0][1], columns)
    rows = []
    for number, cells in lines[1:-1]:
        if len(cells) != len(header):
            raise FileRefusedError(number, f"has {len(cells)} columns, the header has {len(header)}.")
        rows.append(Row(number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    if trailer[1:] != [str(len(rows))]:
        told = "|".join(trailer[1:])[:40]
        raise FileRefusedError(last, f"the trailer counts {told!r} rows, the file has {len(rows)}.")
    return rows


def _lines(text: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter="|", strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise FileRefusedError(reader.line_num, f"can't be read: {error}.") from None


def _header(header: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    missing = [column for column in columns if column not in header]
    if missing:
        raise FileRefusedError(1, f"the header lacks {', '.join(missing)}.")
    twice = [column for place, column in enumerate(header) if column in header[:place]]
    if twice:
        raise FileRefusedError(1, f"the header names {twice[0][:60]!r} twice.")
    return header


def _check_answers(rows: Sequence[Row], key: str, asked: Mapping[str, Row]) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        code = row[key]
        if code not in asked:
            raise FileRefusedError(row.line, f"{code[:60]!r} isn't in the request of this name.")
        if code in seen:
            raise FileRefusedError(row.line, f"{code} is answered on line {seen[code]} already.")
        seen[code] = row.line
    if len(rows) != len(asked):
        raise FileRefusedError(len(rows) + 2, f"the request has {len(asked)} rows, this file answers {len(rows)}.")


def _check_once(rows: Sequence[Row], key: str) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        if row.required(key) in seen:
            raise FileRefusedError(row.line, f"{row[key]} is on line {seen[row[key]]} already.")
        seen[row[key]] = row.line


def _enterprise_of(rows: Sequence[Row]) -> UUID:
    if not rows:
        raise FileRefusedError(1, "has no rows.")
    return rows[0].unit()["e"]


def _response(row: Row, asked: Row) -> ResultCallback | RefundCallback:
    if row["business_unit"] != asked["business_unit"]:
        raise FileRefusedError(row.line, f"{row['business_unit'][:100]!r} isn't the unit whose payment this is.")
    if row["operation"] != asked["operation"]:
        raise FileRefusedError(row.line, f"operation {row['operation'][:20]!r} isn't what was asked for.")
    code = row["transaction_code"]
    said = (row.required("transaction_id"), row.required("response_code"), row["response_message"], row.money())
    made = RefundCallback if row["operation"] == CREDIT else ResultCallback
    return made(f"{code}/{row['transaction_id']}", code, *said)


def _return(row: Row) -> ReturnCallback:
    kind = _KINDS.get(row.required("kind"))
    if kind is None:
        raise FileRefusedError(row.line, f"kind {row['kind'][:40]!r} isn't one of {', '.join(_KINDS)}.")
    try:
        day = date.fromisoformat(row["date"]) if row["date"] else None
    except ValueError:
        raise FileRefusedError(row.line, f"date {row['date'][:20]!r} isn't one such as 2026-01-31.") from None
    about = (row["transaction_id"], kind, row["response_code"], row["response_message"])
    return ReturnCallback(row["return_id"], row.required("transaction_code"), *about, row.money(), day)


def _update(row: Row, token: str = "") -> UpdateCallback:
    outcome = _OUTCOMES.get(row.required("outcome"))
    if outcome is None:
        raise FileRefusedError(row.line, f"outcome {row['outcome'][:40]!r} isn't one of {', '.join(_OUTCOMES)}.")
    month, year = _expiry(row)
    inquiry, update_id = ("" if token else row["inquiry_code"]), row.required("update_id")
    callback_id = update_id if token else f"{inquiry}/{update_id}"
    return UpdateCallback(callback_id, inquiry, outcome, row["new_account"], row["new_last4"], month, year, token)


def _expiry(row: Row) -> tuple[int, int]:
    text = row["new_accessory"]
    if not text:
        return 0, 0
    if len(text) != 4 or not text.isascii() or not text.isdigit() or not 1 <= int(text[:2]) <= 12:
        raise FileRefusedError(row.line, f"new_accessory {text[:20]!r} isn't an expiry such as 0829.")
    return int(text[:2]), 2000 + int(text[2:])


def _write(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    written = StringIO(newline="")
    writer = csv.writer(written, delimiter="|", lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    writer.writerow((TRAILER, count))
    return written.getvalue()


def _accessory(month: int, year: int) -> str:
    return f"{month:02}{year % 100:02}" if year else ""


def _plain(amount: Money) -> str:
    places = exponent(amount.currency)
    whole, part = divmod(amount.amount_minor, 10**places)
    return f"{whole}.{part:0{places}}" if places else str(whole)


def _flat(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def request_name(submission: Submission, day: date) -> str:
    """Name the request file of a batch; the response comes under the same name."""
    return f"pay_{submission.enterprise_id}_{day:%Y%m%d}_{submission.number}_{submission.label}_{submission.key}.txt"


def refunds_name(submission: SubmittedRefunds) -> str:
    """Name the request file of refunds; the response comes under the same name."""
    return f"ref_{submission.enterprise_id}_{submission.business_date:%Y%m%d}_{submission.key}.txt"


def inquiry_name(enterprise_id: UUID, day: date, key: UUID) -> str:
    """Name the request file of questions to the card updater."""
    return f"{_INQUIRY}{enterprise_id}_{day:%Y%m%d}_{key}.txt"


def is_inquiry(name: str) -> bool:
    """Tell whether a file of this name answers questions of ours; any other one is news."""
    return name.startswith(_INQUIRY)


def enterprise_of(name: str) -> UUID:
    """Tell whose file it is by its name. Raises FileRefusedError for a name that isn't one of ours."""
    parts = name.split("_")
    try:
        return UUID(parts[1])
    except (IndexError, ValueError):
        raise FileRefusedError(1, "no request of this name was sent.") from None
