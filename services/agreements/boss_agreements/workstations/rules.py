"""What a workstation is (SPEC 0). Pure."""

from dataclasses import dataclass
from uuid import UUID

from boss_agreements.catalogue.rules import Entry


@dataclass(frozen=True, kw_only=True)
class Workstation(Entry):
    """A desk that sales and changes are made at."""

    location_id: UUID
