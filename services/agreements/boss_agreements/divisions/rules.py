"""What a division is (SPEC 0). Pure."""

from dataclasses import dataclass

from boss_agreements.catalogue.rules import Entry


@dataclass(frozen=True, kw_only=True)
class Division(Entry):
    """A part of an enterprise, with business units in it; what it decides holds for all of them."""
