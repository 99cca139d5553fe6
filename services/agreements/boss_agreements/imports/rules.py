"""What a record of a club's file must be (DESIGN 4). Pure; every refusal is written for a club manager."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from boss_agreements.agreements.rules import (
    AGREEMENT_TYPES,
    PERPETUAL,
    AgreementLine,
    open_line,
    parse_term,
    status_on,
)
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.imports.contacts import address_lines, contacts_of
from boss_agreements.members.rules import Contact
from boss_agreements.organization.rules import BusinessUnit
from boss_agreements.suspensions.rules import Window
from boss_kit.cards import DIGITS_MIN, field_holds_card_number
from boss_kit.days import check_year, parse_zone
from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id
from boss_kit.money import Money, exponent

NAME_LENGTH_MAX = 200
EXTERNAL_ID_LENGTH_MAX = 100
NOTES_LENGTH_MAX = 5000
PRICE_DIGITS_MAX = 9
UNITS_NAMED_MAX = 10

_LENGTHS_MAX = {"external_id": EXTERNAL_ID_LENGTH_MAX, "notes": NOTES_LENGTH_MAX}
_REQUIRED = (
    "external_id",
    "business_unit",
    "first_name",
    "last_name",
    "agreement",
    "agreement_type",
    "price",
    "schedule",
    "term",
)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII)
# Few texts have as many digits and separators in a row as a card number; only those are worth the detector's time.
_LONG_NUMBER = re.compile(rf"[\d \-\u00a0\u2010-\u2015]{{{DIGITS_MIN}}}")
_FLAGS = {"yes": True, "no": False, "": False}


class Record(NamedTuple):
    """A record as the club wrote it: all values are text."""

    external_id: str
    business_unit: str
    first_name: str
    last_name: str
    birth_date: str
    email: str
    cell_phone: str
    home_phone: str
    work_phone: str
    address_1: str
    address_2: str
    city: str
    state: str
    postal_code: str
    time_zone: str
    agreement: str
    agreement_type: str
    price: str
    schedule: str
    term: str
    start_date: str
    obligation_end: str
    freeze_from: str
    freeze_to: str
    sms_opt_out: str
    do_not_call: str
    notes: str


FIELDS = Record._fields
_required_of = attrgetter(*_REQUIRED)


class Checked(NamedTuple):
    """A record without fault, read."""

    record: Record
    unit: BusinessUnit
    member_id: UUID
    account_id: UUID
    agreement_id: UUID
    birth_date: date | None
    time_zone: str
    contacts: tuple[Contact, ...]
    line: AgreementLine
    start_date: date
    obligation_end_date: date | None
    freeze: Window | None
    do_not_call: bool
    sms_opt_out: bool
    status: str
    today: date


def check(record: Record, units: Mapping[str, BusinessUnit], today_in: Callable[[str], date]) -> Checked:
    """Read a record. Raises InvalidArgument for the first thing that is wrong with it."""
    _check_texts(record)
    unit = _unit(record.business_unit, units)
    today = today_in(unit.time_zone)
    enterprise_id = unit.enterprise_id
    member_id = derived_id(enterprise_id, "member", record.external_id)
    agreement_id = derived_id(enterprise_id, "agreement", record.external_id)
    birth_date = _optional_date(record.birth_date, "birth_date")
    if birth_date is not None and birth_date > today:
        raise InvalidArgument.field("birth_date", f"{birth_date} lies in the future.")
    time_zone = record.time_zone or unit.time_zone
    parse_zone(time_zone)
    start_date = _date(record.start_date, "start_date")
    line = _line(record, unit, agreement_id, start_date, today)
    return Checked(
        record=record,
        unit=unit,
        member_id=member_id,
        account_id=derived_id(enterprise_id, "account", record.external_id),
        agreement_id=agreement_id,
        birth_date=birth_date,
        time_zone=time_zone,
        contacts=_contacts(member_id, record),
        line=line,
        start_date=start_date,
        obligation_end_date=_obligation_end(record.obligation_end, start_date),
        freeze=_freeze(record),
        do_not_call=_flag(record.do_not_call, "do_not_call"),
        sms_opt_out=_flag(record.sms_opt_out, "sms_opt_out"),
        status=status_on(today, start_date, [line], frozenset()),
        today=today,
    )


def fingerprint(record: Record) -> bytes:
    """Hash a record's values, to tell later whether the same record comes again."""
    return hashlib.sha256("\x1f".join(record).encode()).digest()


def _check_texts(record: Record) -> None:
    everything = "\n".join(record)
    if "\0" in everything:
        field = next(name for name, value in zip(FIELDS, record, strict=True) if "\0" in value)
        raise InvalidArgument.field(field, "holds a NUL character, which no text may; take it out.")
    if any(len(value) >= DIGITS_MIN and _LONG_NUMBER.search(value) for value in record):
        _refuse_card(record)
    for name, value in zip(_REQUIRED, _required_of(record), strict=True):
        if not value or value.isspace():
            raise InvalidArgument.field(name, "is missing.")
    if len(everything) > NAME_LENGTH_MAX:
        for name, value in zip(FIELDS, record, strict=True):
            length_max = _LENGTHS_MAX.get(name, NAME_LENGTH_MAX)
            if len(value) > length_max:
                raise InvalidArgument.field(name, f"has {len(value):,} characters; at most {length_max:,} are kept.")


def _refuse_card(record: Record) -> None:
    for name, value in zip(FIELDS, record, strict=True):
        if field_holds_card_number(name, value):
            raise InvalidArgument.field(
                name,
                "holds what looks like a card number; take it out: BOSS keeps only the token and the last four digits.",
                "CARD_NUMBER",
            )


def _unit(external_id: str, units: Mapping[str, BusinessUnit]) -> BusinessUnit:
    unit = units.get(external_id)
    if unit is None:
        known = ", ".join(sorted(units)[:UNITS_NAMED_MAX]) or "none yet"
        raise InvalidArgument.field(
            "business_unit",
            f"there is no business unit {external_id[:60]!r}; create it first, or use one there is: {known}.",
        )
    return unit


def _line(record: Record, unit: BusinessUnit, agreement_id: UUID, start: date, today: date) -> AgreementLine:
    if record.agreement_type not in AGREEMENT_TYPES:
        raise InvalidArgument.field(
            "agreement_type", f"{record.agreement_type[:40]!r} is not a type of agreement; use Membership or Service."
        )
    price = _price(record.price, unit.currency)
    schedule = parse_schedule(record.schedule, start)
    term_months = None if record.term == PERPETUAL else parse_term(record.term)
    return open_line(derived_id(agreement_id, "line", "1"), schedule, price, start, term_months, max(start, today))


def _contacts(member_id: UUID, record: Record) -> tuple[Contact, ...]:
    region = f"{record.state} {record.postal_code}"
    address = address_lines(record.address_1, record.address_2, record.city, region)
    phones = (("cell", record.cell_phone), ("home", record.home_phone), ("work", record.work_phone))
    return contacts_of(member_id, record.email, phones, address)


def _price(text: str, currency: str) -> Money:
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        raise InvalidArgument.field("price", f"{text[:40]!r} is not a number; write it like 35.00.")
    sign, whole, decimals = number.groups(default="")
    if sign:
        raise InvalidArgument.field("price", f"{text[:40]} is negative; a price is 0 or more.")
    places = exponent(currency)
    if len(decimals.rstrip("0")) > places:
        raise InvalidArgument.field(
            "price", f"{text[:40]} has more than {places} decimals, which {currency} doesn't have."
        )
    if len(whole.lstrip("0")) > PRICE_DIGITS_MAX:
        raise InvalidArgument.field("price", f"{text[:40]} is more than any agreement costs.")
    return Money(int(Decimal(f"{whole}.{decimals or 0}").scaleb(places)), currency)


def _date(text: str, field: str) -> date:
    if not text:
        raise InvalidArgument.field(field, "is missing; write it like 2026-01-31.")
    if _ISO_DATE.fullmatch(text):
        try:
            return check_year(date.fromisoformat(text), field)
        except ValueError:
            raise InvalidArgument.field(field, f"{text} is not a day of the calendar.") from None
    raise InvalidArgument.field(field, f"{text[:40]!r} is not a date; write it like 2026-01-31.")


def _optional_date(text: str, field: str) -> date | None:
    return _date(text, field) if text else None


def _obligation_end(text: str, start: date) -> date | None:
    end = _optional_date(text, "obligation_end")
    if end is not None and end < start:
        raise InvalidArgument.field("obligation_end", f"{end} lies before the agreement's start, {start}.")
    return end


def _freeze(record: Record) -> Window | None:
    start, end = _optional_date(record.freeze_from, "freeze_from"), _optional_date(record.freeze_to, "freeze_to")
    if start is None:
        if end is not None:
            raise InvalidArgument.field("freeze_from", "is missing, but freeze_to is there.")
        return None
    if end is not None and end <= start:
        raise InvalidArgument.field(
            "freeze_to", f"the first day back, {end}, is not after the freeze's first day, {start}."
        )
    return Window(start, end)


def _flag(text: str, field: str) -> bool:
    value = _FLAGS.get(text.strip().lower())
    if value is None:
        raise InvalidArgument.field(field, f"{text[:40]!r} is neither yes nor no.")
    return value
