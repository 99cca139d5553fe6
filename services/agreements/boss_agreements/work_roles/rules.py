"""What a work role is (SPEC 0). Pure."""

from dataclasses import dataclass

from boss_agreements.catalogue.rules import Entry


@dataclass(frozen=True, kw_only=True)
class WorkRole(Entry):
    """What somebody works as, by the name that tokens carry (SPEC 0: actor)."""
