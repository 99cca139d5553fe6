"""Emails, phones and addresses as clubs write them. Pure."""

import re
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id

from boss_agreements.members.rules import Contact

REGION_DEFAULT = "US"

# Ten digits as North America writes them; phonenumbers says the same of them, only far slower. A test compares the two.
_NORTH_AMERICAN = re.compile(r"(?:\+1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]?(\d{3})[ .-]?(\d{4})", re.ASCII)
# An address of plain letters, as nearly all are; email-validator says the same of them, only far slower. A test compares the two.
_PLAIN_EMAIL = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@(?P<domain>(?:[A-Za-z0-9]{1,63}\.){1,3}[A-Za-z]{2,63})", re.ASCII
)
_PLAIN_LOCAL_LENGTH_MAX, _PLAIN_LENGTH_MAX = 64, 120


class Ways(Protocol):
    """The fields of a record that say how to reach the member."""

    email: str
    cell_phone: str
    home_phone: str
    work_phone: str
    address_1: str
    address_2: str
    city: str
    state: str
    postal_code: str


def contacts_of(member_id: UUID, record: Ways) -> tuple[Contact, ...]:
    """Read a record's contacts; of phones the first there is, cell, home, work, is the primary one."""
    contacts = []
    email = record.email.strip()
    if email:
        contacts.append(_contact(member_id, "email", parse_email(email), primary=True))
    primary = True
    for label, value in _phones(record):
        contacts.append(_contact(member_id, label, value, primary=primary))
        primary = False
    lines = address_lines(record)
    if lines:
        contacts.append(_contact(member_id, "address", "", primary=True, lines=lines))
    return tuple(contacts)


def parse_email(text: str, field: str = "email") -> str:
    """Normalize an email address; nobody is asked whether it exists. Raises InvalidArgument when it can't be one."""
    plain = _PLAIN_EMAIL.fullmatch(text)
    if plain and len(text) <= _PLAIN_LENGTH_MAX and len(plain["local"]) <= _PLAIN_LOCAL_LENGTH_MAX:
        domain = plain["domain"].lower()
        if domain.rpartition(".")[2] not in SPECIAL_USE_DOMAIN_NAMES:
            return f"{plain['local']}@{domain}"
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise InvalidArgument.field(field, f"{text[:60]!r} is not an email address: {error}") from None


def parse_phone(text: str) -> str:
    """Write a number as E.164 when it is possible, else leave it as it was given: it is kept, and never called."""
    quick = _NORTH_AMERICAN.fullmatch(text)
    if quick is not None:
        return "+1" + "".join(quick.groups())
    try:
        number = phonenumbers.parse(text, REGION_DEFAULT)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_possible_number(number):
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def address_lines(record: Ways) -> tuple[str, ...]:
    """Write an address as the lines of a letter; none without a street or city."""
    town = ", ".join(part for part in (record.city.strip(), f"{record.state} {record.postal_code}".strip()) if part)
    if not (record.address_1.strip() or record.city.strip()):
        return ()
    return tuple(line for line in (record.address_1.strip(), record.address_2.strip(), town) if line)


def _phones(record: Ways) -> Iterator[tuple[str, str]]:
    for label, text in (("cell", record.cell_phone), ("home", record.home_phone), ("work", record.work_phone)):
        given = text.strip()
        if given:
            yield label, parse_phone(given)


def _contact(member_id: UUID, label: str, value: str, *, primary: bool, lines: tuple[str, ...] = ()) -> Contact:
    return Contact(derived_id(member_id, "contact", label), label, value, lines, primary)
