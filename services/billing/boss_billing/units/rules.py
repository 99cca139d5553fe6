"""Business units and how they bill. Pure."""

from dataclasses import dataclass
from uuid import UUID

UNIT_NAME = "enterprises/{e}/businessUnits/{b}"
ENTERPRISE_NAME = "enterprises/{e}"
DIVISION_NAME = "enterprises/{e}/divisions/{d}"


@dataclass(frozen=True)
class BillingSettings:
    """How a unit bills: the card updater, and the rebill schedule (SPEC BIL-4, BIL-6)."""

    card_updater: bool = False
    rebill_after_days: int = 7
    rebill_attempts_max: int = 3


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
