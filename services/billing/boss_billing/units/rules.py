"""Business units and how they bill. Pure."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from uuid import UUID

from boss_kit.errors import InvalidArgument, NotFound

UNIT_NAME = "enterprises/{e}/businessUnits/{b}"
ENTERPRISE_NAME = "enterprises/{e}"
DIVISION_NAME = "enterprises/{e}/divisions/{d}"


@dataclass(frozen=True)
class BillingSettings:
    """How a unit bills: the card updater, and how long before a bill day; the rebill schedule (SPEC BIL-4, BIL-6)."""

    card_updater: bool = False
    rebill_after_days: int = 7
    rebill_attempts_max: int = 3
    updater_days_before: int = 0

    @property
    def asks_ahead(self) -> bool:
        """Tell whether cards are renewed before their bill day, too."""
        return self.card_updater and self.updater_days_before > 0


DEFAULTS = BillingSettings()


@dataclass(frozen=True)
class Unit:
    """A business unit as billing knows it."""

    enterprise_id: UUID
    id: UUID
    display_name: str
    time_zone: str
    currency: str
    settings: BillingSettings = DEFAULTS
    division_id: UUID | None = None
    has_settings: bool = False

    @property
    def name(self) -> str:
        """Give its resource name."""
        return f"enterprises/{self.enterprise_id}/businessUnits/{self.id}"


@dataclass(frozen=True)
class BusinessUnitChanged:
    """Agreements' fact: a unit was made or changed."""

    business_unit: str
    display_name: str
    time_zone: str
    currency: str
    division: str = ""


def require_units(unit_ids: Iterable[UUID], known: Container[UUID]) -> None:
    """Check that units are among those billing knows. Raises NotFound."""
    for unit_id in unit_ids:
        if unit_id not in known:
            raise NotFound(
                "BUSINESS_UNIT_NOT_FOUND",
                f"Billing knows no business unit {unit_id} in this enterprise; create it in agreements first.",
                metadata={"business_unit_id": str(unit_id)},
            )


def units_of_division(division_id: UUID, known: Iterable[Unit]) -> list[UUID]:
    """Give the units of a division. Raises NotFound for a division billing knows no unit of."""
    found = [unit.id for unit in known if unit.division_id == division_id]
    if not found:
        raise NotFound(
            "DIVISION_NOT_FOUND",
            f"Billing knows no business unit of a division {division_id} in this enterprise; name a division that has "
            f"units, or the enterprise.",
            metadata={"division_id": str(division_id)},
        )
    return found


def check_settings(settings: BillingSettings) -> None:
    """Refuse settings that don't go together. Raises InvalidArgument."""
    if settings.updater_days_before and not settings.card_updater:
        text = "must be 0 without the card updater; turn it on, too."
        raise InvalidArgument.field("billing_settings.card_updater_days_before", text)
