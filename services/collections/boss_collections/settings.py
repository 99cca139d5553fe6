"""What an installation decides about collections."""

from dataclasses import dataclass

from boss_kit.settings import Settings


@dataclass(frozen=True, kw_only=True)
class CollectionsSettings(Settings):
    """Collections needs no more than every service does."""
