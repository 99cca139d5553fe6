"""Whether a number or an address can be reached at all; pure, with the libraries that know the plans."""

import re
from email.errors import MessageError
from email.headerregistry import Address

import phonenumbers

REGION_DEFAULT = "US"
_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+\.[^@\s<>,;:\"()\[\]\\.]{2,}")
EMAIL_LENGTH_MAX = 254


def possible_number(text: str, region: str = REGION_DEFAULT) -> str:
    """Give the number in E.164, empty when its length is impossible (SPEC NOT-4: possible, not valid)."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    # A number that can only be dialled from its own neighbourhood lacks digits for us.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_email_address(text: str) -> bool:
    """Tell whether the text is one address and nothing else, safe in a header."""
    if len(text) > EMAIL_LENGTH_MAX or not text.isascii() or not _EMAIL.fullmatch(text):
        return False
    try:
        Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    return True
