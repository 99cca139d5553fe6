"""A statement's lines, in words a member understands. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from boss_billing.ledger.rules import Source
from boss_kit.errors import InvalidArgument

SPAN_DAYS_MAX = 400
_DESK = {"CASH": "in cash", "CHECK": "by check", "CARD": "by card"}
_SENTENCES = {
    Source.IMPORT: "Opening balance, invoice {invoice}",
    Source.PAYMENT: "Payment by {tender}, thank you",
    Source.POINT_OF_SALE: "Payment {how}, thank you",
    Source.RETURN: "Return{because}",
    Source.REFUND: "Refund{because}",
    Source.CREDIT: "Credit{because}",
    Source.WRITE_OFF: "Written off{because}",
    Source.WRITE_OFF_REVERSAL: "Write-off taken back{because}",
    Source.WAIVER: "Fee waived{because}",
    Source.CHARGEBACK: "Chargeback of the payment {by}",
    Source.BANK_RETURN: "Payment {by} was returned by the bank",
    Source.REVERSAL: "Returned payment {by} was paid again",
}
"""What each document is called; all others are invoices."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one document did to an account on a day; what comes again has the kind of what had gone as `origin`."""

    day: date
    source: Source
    amount_minor: int
    invoice_number: str
    invoice_text: str
    tender: str
    reason: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, with the balance after it."""

    day: date
    text: str
    amount_minor: int
    balance_minor: int
    invoice_number: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What was owed, what happened, what is owed; a balance is what is owed less credit."""

    number: str
    currency: str
    first: date
    last: date
    opening_minor: int
    lines: Sequence[Line]

    @property
    def closing_minor(self) -> int:
        """Give the balance at the end."""
        return self.lines[-1].balance_minor if self.lines else self.opening_minor


def check_span(first: date, last: date) -> None:
    """Refuse a span that ends before it begins, or is too long to read. Raises InvalidArgument."""
    if last < first:
        raise InvalidArgument.field("end_date", "lies before the start date.")
    if (last - first).days >= SPAN_DAYS_MAX:
        raise InvalidArgument.field("end_date", f"must lie within {SPAN_DAYS_MAX} days of the start date.")


def lines(opening_minor: int, entries: Iterable[Entry]) -> list[Line]:
    """Write the lines with a running balance; what changes nothing for the member is left out."""
    balance, found = opening_minor, []
    for entry in entries:
        if entry.amount_minor:
            balance += entry.amount_minor
            found.append(Line(entry.day, describe(entry), entry.amount_minor, balance, entry.invoice_number))
    return found


def describe(entry: Entry) -> str:
    """Say what happened."""
    sentence = _SENTENCES.get(entry.source, "Invoice {invoice}: {text}")
    if entry.source is Source.REFUND and entry.amount_minor < 0:
        sentence = "Refund that didn't go through: credit again"
    if entry.source is Source.REVERSAL and entry.origin == Source.CHARGEBACK:
        sentence = "Chargeback of the payment {by} was taken back"
    because = f": {entry.reason}" if entry.reason else ""
    return sentence.format(
        invoice=entry.invoice_number,
        text=entry.invoice_text,
        tender=entry.tender,
        by=_DESK.get(entry.tender, f"by {entry.tender}"),
        how=_DESK.get(entry.tender, "at the desk"),
        because=because,
    )
