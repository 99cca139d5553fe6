"""What an installation decides about arm."""

from dataclasses import dataclass

from boss_kit.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ArmSettings(Settings):
    """Nothing beyond what every service needs; how dunning works is set per business unit, by its staff."""

    peers = ("billing", "notifications")
