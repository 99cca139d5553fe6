"""An account as a club exports it: text in, an account to make out, or the reason why not. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_billing.funding.rules import BANK_DEBIT, TENDERS
from boss_billing.units.rules import Unit
from boss_kit.cards import field_holds_card_number
from boss_kit.days import check_year
from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id
from boss_kit.money import parse_money

LENGTH_MAX = 200
MINOR_MAX = 10**13
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,10})?")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST4 = re.compile(r"\d{4}")
_YES_NO = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A record as it came."""

    record: int
    external_id: str
    business_unit: str
    tender: str
    token: str
    last4: str
    exp_month: str
    exp_year: str
    primary_source: str
    past_due_balance: str
    oldest_due_date: str

    def hash(self) -> bytes:
        """Hash all that was said, without the record's place in the file."""
        values = [getattr(self, name) for name in self.__slots__ if name != "record"]
        return hashlib.sha256("\x1f".join(values).encode()).digest()


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to make, with its source and its opening balance."""

    external_id: str
    unit: Unit
    tender: str
    token: str
    last4: str
    expiry_month: int
    expiry_year: int
    is_primary: bool
    past_due_minor: int
    oldest_due_date: date | None
    record_hash: bytes


def read_record(record: AccountRecord, units: Mapping[UUID, Unit], enterprise_id: UUID) -> NewAccount:
    """Read a record. Raises InvalidArgument with the field and the way out; an expired card is fine."""
    _require("external_id", record.external_id, "the club's own number")
    unit = units.get(derived_id(enterprise_id, "business-unit", record.business_unit))
    if unit is None:
        raise InvalidArgument.field(
            "business_unit",
            f"unknown business unit {record.business_unit[:60]!r}; create it first or correct its name.",
        )
    if record.tender not in TENDERS:
        known = ", ".join(TENDERS)
        raise InvalidArgument.field("tender", f"unknown tender {record.tender[:20]!r}; use one of {known}.")
    month, year = _expiry(record)
    past_due = _past_due(record, unit.currency)
    return NewAccount(
        record.external_id,
        unit,
        record.tender,
        _token(record.token),
        _last4(record.last4),
        month,
        year,
        _yes_no("primary_source", record.primary_source),
        past_due,
        _due_date(record.oldest_due_date, needed=past_due > 0),
        record.hash(),
    )


def _token(token: str) -> str:
    _require("token", token, "the processor's token")
    if field_holds_card_number("token", token):
        raise InvalidArgument.field(
            "token", "looks like a card number; only the processor's token may be kept here.", "CARD_NUMBER"
        )
    return token


def _last4(last4: str) -> str:
    if not _LAST4.fullmatch(last4):
        raise InvalidArgument.field("last4", f"{last4[:20]!r} is not four digits.")
    return last4


def _expiry(record: AccountRecord) -> tuple[int, int]:
    if record.tender == BANK_DEBIT:
        for field, value in (("exp_month", record.exp_month), ("exp_year", record.exp_year)):
            if value:
                raise InvalidArgument.field(field, "a bank debit has no expiry; leave it empty.")
        return 0, 0
    return (
        _whole("exp_month", record.exp_month, 1, 12, "a month from 1 to 12"),
        _whole("exp_year", record.exp_year, 2000, 2099, "a year such as 2027"),
    )


def _whole(field: str, text: str, least: int, most: int, like: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and least <= int(text) <= most):
        raise InvalidArgument.field(field, f"{text[:20]!r} is not {like}.")
    return int(text)


def _past_due(record: AccountRecord, currency: str) -> int:
    text = record.past_due_balance
    if not text:
        return 0
    if not _NUMBER.fullmatch(text):
        raise InvalidArgument.field(
            "past_due_balance", f"{text[:40]!r} is not an amount of 0 or more; write it like 59.00."
        )
    amount = parse_money(text, currency, "past_due_balance").amount_minor
    if amount > MINOR_MAX:
        raise InvalidArgument.field("past_due_balance", "is more than an account can owe; check the number.")
    return amount


def _due_date(text: str, *, needed: bool) -> date | None:
    if not text:
        if needed:
            raise InvalidArgument.field("oldest_due_date", "is needed with a past-due balance: since when it is owed.")
        return None
    try:
        if not _ISO_DATE.fullmatch(text):
            raise ValueError(text)
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidArgument.field(
            "oldest_due_date", f"{text[:20]!r} is not a day of the calendar; write it like 2025-12-31."
        ) from None
    return check_year(day, "oldest_due_date")


def _yes_no(field: str, text: str) -> bool:
    if text not in _YES_NO:
        raise InvalidArgument.field(field, f"{text[:20]!r} is neither yes nor no.")
    return _YES_NO[text]


def _require(field: str, text: str, what: str) -> None:
    if not text.strip():
        raise InvalidArgument.field(field, f"is empty; give {what}.")
    if len(text) > LENGTH_MAX or not text.isprintable():
        raise InvalidArgument.field(field, f"must be at most {LENGTH_MAX} printable characters.")
