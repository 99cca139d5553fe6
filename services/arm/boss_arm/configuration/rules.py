"""Settings and templates, and the order they are made in (SPEC ARM-1, ARM-2); pure."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from boss_kit.errors import FailedPrecondition, InvalidArgument

NO_RESPONSE_DAYS_DEFAULT = 7
RETRY_LIMIT_DEFAULT = 3
TEXT_LENGTH_MAX = 200
# What E.164 allows, written as people write it.
_CALLER_NUMBER = re.compile(r"\+?[0-9 ().-]+")
_DIGITS_MIN, _DIGITS_MAX = 7, 15

PLACEHOLDERS = (
    "first_name",
    "last_name",
    "club_name",
    "past_due_balance",
    "days_in_arm",
    "sent_date",
    "account_number",
    "caller_number",
    "reply_to_address",
)
"""What every step fills in; a template that asks for more is refused by notifications (SPEC NOT-3)."""


@dataclass(frozen=True)
class ArmSettings:
    """The settings of a business unit; `configured` tells whether staff has set them."""

    enterprise_id: UUID
    business_unit_id: UUID
    enabled: bool = False
    configured: bool = False
    from_address: str = ""
    reply_to_address: str = ""
    caller_number: str = ""
    return_address_lines: tuple[str, ...] = ()
    send_from_hour: int = 8
    send_until_hour: int = 21
    no_response_days: int = NO_RESPONSE_DAYS_DEFAULT
    retry_limit: int = RETRY_LIMIT_DEFAULT
    hand_over_agency: str = ""
    hand_over_after_days: int = 0
    cards_only: bool = False


@dataclass(frozen=True)
class Template:
    """What a message says; owned by the enterprise where it has no business unit."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    id: UUID
    channel: str
    display_name: str
    subject: str
    body: str
    notification_template: str
    create_time: datetime


def accept(settings: ArmSettings, present: ArmSettings) -> ArmSettings:
    """Give the settings to keep: defaults filled in, the switch as it is.

    Raises InvalidArgument for a send window without hours, a caller number nobody can call, and an address line that is
    blank or too long for a letter.
    """
    _require_number(settings.caller_number)
    _require_texts(settings)
    if settings.send_from_hour >= settings.send_until_hour:
        raise InvalidArgument.field("settings.send_until_hour", "must be later than send_from_hour.")
    return replace(
        settings,
        enabled=present.enabled,
        configured=True,
        no_response_days=settings.no_response_days or NO_RESPONSE_DAYS_DEFAULT,
        retry_limit=settings.retry_limit or RETRY_LIMIT_DEFAULT,
    )


def _require_number(number: str) -> None:
    digits = sum(character.isdigit() for character in number)
    if not _CALLER_NUMBER.fullmatch(number) or not _DIGITS_MIN <= digits <= _DIGITS_MAX:
        raise InvalidArgument.field("settings.caller_number", "is no phone number; write it like +1 703 555 0110.")


def _require_texts(settings: ArmSettings) -> None:
    for index, line in enumerate(settings.return_address_lines):
        if not line.strip() or not line.isprintable() or len(line) > TEXT_LENGTH_MAX:
            rule = f"must be one line of text, at most {TEXT_LENGTH_MAX} characters."
            raise InvalidArgument.field(f"settings.return_address_lines[{index}]", rule)
    if len(settings.hand_over_agency) > TEXT_LENGTH_MAX:
        raise InvalidArgument.field("settings.hand_over_agency", f"has more than {TEXT_LENGTH_MAX} characters.")


def require_enabled(settings: ArmSettings | None) -> ArmSettings:
    """Refuse while accounts receivable management is off (SPEC ARM-1)."""
    if settings is None or not settings.enabled:
        raise FailedPrecondition(
            "ARM_NOT_ENABLED",
            "Accounts receivable management is off for this business unit; ask the platform operator to enable it.",
        )
    return settings


def require_configured(settings: ArmSettings) -> ArmSettings:
    """Refuse what comes after the settings before they are made (SPEC ARM-2)."""
    if not settings.configured:
        raise FailedPrecondition(
            "ARM_SETTINGS_MISSING", "The business unit's settings are missing; make them first, with UpdateArmSettings."
        )
    return settings


def require_templates(*, any_selectable: bool) -> None:
    """Refuse a schedule before there is a template to choose (SPEC ARM-2)."""
    if not any_selectable:
        raise FailedPrecondition(
            "ARM_TEMPLATE_MISSING",
            "There is no template to choose at this business unit; make one first, with CreateTemplate.",
        )
