"""What an installation decides about agreements."""

from dataclasses import dataclass
from pathlib import Path

from boss_kit.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class AgreementsSettings(Settings):
    """Beside what every service has, only what documents are printed with; billing takes money and gives it back."""

    peers = ("billing",)

    document_fonts: Path | None = setting(
        "BOSS_DOCUMENT_FONTS",
        "Folder of fonts for names that the built-in ones can't print, such as Chinese ones; empty: none.",
        default=None,
    )

    def problems(self) -> list[str]:
        """Find what is wrong beside what every service's settings say."""
        found = super().problems()
        if self.document_fonts is not None and not self.document_fonts.is_dir():
            found.append(f"BOSS_DOCUMENT_FONTS names {self.document_fonts}, but there is no such folder.")
        return found
