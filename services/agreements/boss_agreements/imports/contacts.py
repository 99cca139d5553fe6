"""Emails, phones and addresses as clubs write them. Pure."""

import re
from collections.abc import Sequence
from uuid import UUID

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from boss_agreements.members.rules import Contact
from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id

REGION_DEFAULT = "US"

# Ten digits as North America writes them; phonenumbers says the same of them, only far slower. A test compares the two.
_NORTH_AMERICAN = re.compile(r"(?:\+1[ .-]?)?\(?([2-9]\d\d)\)?[ .-]?(\d{3})[ .-]?(\d{4})", re.ASCII)
# Addresses of plain letters, as nearly all are: email-validator says the same, only far slower. A test compares, too.
_PLAIN_EMAIL = re.compile(
    r"(?P<local>[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@(?P<domain>(?:[A-Za-z0-9]{1,63}\.){1,3}[A-Za-z]{2,63})", re.ASCII
)
_PLAIN_LOCAL_LENGTH_MAX, _PLAIN_LENGTH_MAX = 64, 120


def contacts_of(
    member_id: UUID, email: str, phones: Sequence[tuple[str, str]], address: Sequence[str]
) -> tuple[Contact, ...]:
    """Make a member's contacts; of `phones`, pairs of label and number in the order of choice, the first is primary.

    `address` holds the lines of a letter, name excluded.
    """
    contacts = []
    if email.strip():
        contacts.append(_contact(member_id, "email", parse_email(email.strip()), primary=True))
    primary = True
    for label, text in phones:
        if text.strip():
            contacts.append(_contact(member_id, label, parse_phone(text.strip()), primary=primary))
            primary = False
    if address:
        contacts.append(_contact(member_id, "address", "", primary=True, lines=tuple(address)))
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


def address_lines(street: str, second: str, city: str, region: str) -> Sequence[str]:
    """Write an address as the lines of a letter; none without a street or city. `region` is state and postal code."""
    if not (street.strip() or city.strip()):
        return ()
    town = ", ".join(part.strip() for part in (city, region) if part.strip())
    return [line.strip() for line in (street, second, town) if line.strip()]


def _contact(member_id: UUID, label: str, value: str, *, primary: bool, lines: tuple[str, ...] = ()) -> Contact:
    return Contact(derived_id(member_id, "contact", label), label, value, lines, primary)
