"""What a business unit is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from boss_kit.days import parse_zone
from boss_kit.errors import InvalidArgument
from boss_kit.ids import derived_id
from boss_kit.money import EXPONENTS, UNKNOWN


@dataclass(frozen=True)
class Enterprise:
    """The top of a club chain."""

    id: UUID
    display_name: str
    create_time: datetime
    version: int = 1


@dataclass(frozen=True)
class BusinessUnit:
    """A club: it sells and bills, in one currency and one time zone."""

    id: UUID
    enterprise_id: UUID
    external_id: str
    display_name: str
    time_zone: str
    currency: str
    version: int
    create_time: datetime
    division_id: UUID | None = None


@dataclass(frozen=True)
class BusinessUnitChanged:
    """State: a business unit, or a setting that applies to it, was made or changed."""

    unit: BusinessUnit
    business_date: date
    settings: Mapping[str, str]


def business_unit_id(enterprise_id: UUID, external_id: str) -> UUID:
    """Derive a unit's id, so that every service and every import names it alike."""
    return derived_id(enterprise_id, "business-unit", external_id)


def check_unit(time_zone: str, currency: str) -> None:
    """Refuse a time zone or currency nobody knows. Raises InvalidArgument."""
    parse_zone(time_zone, "business_unit.time_zone")
    if currency not in EXPONENTS:
        raise InvalidArgument.field("business_unit.currency", f"{currency[:10]!r} {UNKNOWN}")


def check_unchanged(before: BusinessUnit, external_id: str, currency: str) -> None:
    """Refuse to change what accounts and imports stand on. Raises InvalidArgument."""
    if external_id != before.external_id:
        raise InvalidArgument.field("business_unit.external_id", f"stays {before.external_id!r}; imports name it so.")
    if currency != before.currency:
        raise InvalidArgument.field("business_unit.currency", f"stays {before.currency}; accounts have one currency.")
