"""What an installation decides about agreements."""

from dataclasses import dataclass

from boss_kit.settings import Settings


@dataclass(frozen=True, kw_only=True)
class AgreementsSettings(Settings):
    """Only what every service has; billing takes what a sale costs and makes returns."""

    peers = ("billing",)
