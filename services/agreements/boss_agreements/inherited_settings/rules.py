"""Which settings there are and from which level one comes (SPEC 0). Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_kit.errors import FailedPrecondition, InvalidArgument

RECENT_MEMBER_MONTHS = "recent_member_months"
INVOICE_HEADER_TEXT = "invoice_header_text"
INVOICE_FOOTER_TEXT = "invoice_footer_text"
REQUIRED_MEMBER_FIELDS = "required_member_fields"
MEMBER_FIELDS = ("address", "birth_date", "email", "phone")
_NUMBER = re.compile(r"\d{1,4}")


@dataclass(frozen=True)
class Setting:
    """A known setting: what it is for, what it is before anybody decides, and what it may be.

    `most` bounds a number; `words` are what a list of words may hold; without either it is a text.
    """

    key: str
    initial: str
    description: str
    most: int | None = None
    words: tuple[str, ...] = ()


SETTINGS: Mapping[str, Setting] = {
    one.key: one
    for one in (
        Setting(INVOICE_FOOTER_TEXT, "", "What stands below every invoice."),
        Setting(INVOICE_HEADER_TEXT, "", "What stands above every invoice."),
        Setting(
            RECENT_MEMBER_MONTHS, "3", "Months somebody stays a Recent Member after the membership ended.", most=120
        ),
        Setting(
            REQUIRED_MEMBER_FIELDS,
            "",
            "What a new member must have, separated by commas: " + ", ".join(MEMBER_FIELDS) + ".",
            words=MEMBER_FIELDS,
        ),
    )
}


@dataclass(frozen=True)
class Node:
    """A level of the hierarchy: an enterprise, one of its divisions or one of its units."""

    enterprise_id: UUID
    division_id: UUID | None = None
    unit_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """Give the id of the level itself."""
        return self.unit_id or self.division_id or self.enterprise_id

    @property
    def name(self) -> str:
        """Give its resource name."""
        enterprise = f"enterprises/{self.enterprise_id}"
        if self.unit_id is not None:
            return f"{enterprise}/businessUnits/{self.unit_id}"
        return f"{enterprise}/divisions/{self.division_id}" if self.division_id is not None else enterprise


@dataclass(frozen=True)
class Effective:
    """A setting as it applies to a node, and the level it comes from.

    `initial` says that nobody decided: it is what BOSS begins with, at the enterprise.
    """

    key: str
    value: str
    level: Node
    own: bool
    initial: bool


def effective(key: str, levels: Sequence[Node], values: Mapping[tuple[UUID, str], str]) -> Effective:
    """Find what applies to the first level: its own value, else the next level's up (SPEC 0)."""
    for level in levels:
        value = values.get((level.id, key))
        if value is not None:
            return Effective(key, value, level, level == levels[0], initial=False)
    return Effective(key, SETTINGS[key].initial, levels[-1], own=False, initial=True)


def checked_value(key: str, value: str) -> str:
    """Give a value as it is kept. Raises InvalidArgument for an unknown setting or a value it can't have."""
    setting = check_key(key)
    if setting.most is not None and not (_NUMBER.fullmatch(value) and int(value) <= setting.most):
        raise InvalidArgument.field("value", f"{value[:40]!r} must be a number from 0 to {setting.most}.")
    if setting.words:
        words = sorted({word.strip() for word in value.split(",") if word.strip()})
        unknown = [word for word in words if word not in setting.words]
        if unknown:
            raise InvalidArgument.field("value", f"{unknown[0][:40]!r} is none of {', '.join(setting.words)}.")
        return ",".join(words)
    return value


def check_key(key: str) -> Setting:
    """Refuse a setting nobody knows. Raises InvalidArgument, naming those there are."""
    setting = SETTINGS.get(key)
    if setting is None:
        raise InvalidArgument.field("key", f"{key[:40]!r} is none of {', '.join(SETTINGS)}.")
    return setting


def check_has_default(node: Node) -> None:
    """Refuse "use default" at an enterprise: there is no level above it (SPEC 0). Raises FailedPrecondition."""
    if node.unit_id is None and node.division_id is None:
        raise FailedPrecondition(
            "ENTERPRISE_HAS_NO_DEFAULT",
            "parent: an enterprise has no level above it to take a default from; set a value instead.",
            metadata={"field": "parent"},
        )
