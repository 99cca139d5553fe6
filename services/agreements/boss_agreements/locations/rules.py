"""What a location is (SPEC 0). Pure."""

from dataclasses import dataclass

from boss_agreements.catalogue.rules import Entry


@dataclass(frozen=True, kw_only=True)
class Location(Entry):
    """A place where a business unit sells and members check in."""

    address_lines: tuple[str, ...] = ()
    phone: str = ""
