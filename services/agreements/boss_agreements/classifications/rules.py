"""What a classification is (SPEC AGR-1). Pure."""

from dataclasses import dataclass

from boss_agreements.catalogue.rules import Entry


@dataclass(frozen=True, kw_only=True)
class Classification(Entry):
    """A kind of relationship a member can have with a unit, such as "Full access" or "Trial"."""
