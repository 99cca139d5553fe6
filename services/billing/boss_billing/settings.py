"""What an installation decides about billing."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from boss_kit.settings import Settings, setting

SANDBOX, FILE, REST = "sandbox", "file", "rest"
PROCESSORS = (SANDBOX, FILE, REST)


@dataclass(frozen=True, kw_only=True)
class BillingSettings(Settings):
    """The kit's settings and billing's own."""

    peers: ClassVar[tuple[str, ...]] = ("agreements", "billing")

    processor: str = setting(
        "BOSS_PROCESSOR",
        "Which payment processor: `sandbox` (the simulator in the box), `file` (files in a folder) or `rest` (an API).",
        default=SANDBOX,
    )
    processor_folder: Path | None = setting(
        "BOSS_PROCESSOR_FOLDER", "The folder `file` exchanges with the processor, such as an end of SFTP.", default=None
    )
    processor_keeps_taken: bool = setting(
        "BOSS_PROCESSOR_KEEPS_TAKEN",
        "on: the processor moves what it takes to `requests/taken/`, so a lost request can be told from a taken one.",
        default=False,
    )
    processor_url: str = setting("BOSS_PROCESSOR_URL", "Where the API of `rest` is.", default="")
    processor_api_key: str = setting("BOSS_PROCESSOR_API_KEY", "Our key for the API of `rest`.", default="")
    sandbox_seed: str = setting("BOSS_SANDBOX_SEED", "Seed of the simulator's answers.", default="1")
    sandbox_script: Path | None = setting(
        "BOSS_SANDBOX_SCRIPT",
        "File of `token,attempt,code` and maybe `behaviour`: what the simulator does whatever chance says.",
        default=None,
    )
    sandbox_behaviour: tuple[str, ...] = setting(
        "BOSS_SANDBOX_BEHAVIOUR",
        "How many of a thousand the simulator treats badly, such as `late=50,twice=30`; empty: none.",
        default=(),
    )
    webhook_secrets: tuple[str, ...] = setting(
        "BOSS_PROCESSOR_WEBHOOK_SECRETS",
        "Secrets (`whsec_...`) of the processor's webhooks, by comma; empty: no webhooks.",
        default=(),
    )

    @property
    def sends_refunds(self) -> bool:
        """Tell whether the processor can send money back to a funding source."""
        return self.processor != FILE

    def problems(self) -> list[str]:
        """List what can't go together."""
        found = super().problems()
        if self.processor not in PROCESSORS:
            found.append(f"BOSS_PROCESSOR is {self.processor!r}: use one of {', '.join(PROCESSORS)}.")
        if self.processor == FILE and self.processor_folder is None:
            found.append("BOSS_PROCESSOR_FOLDER is required with BOSS_PROCESSOR=file.")
        if self.processor == REST and not self.processor_url.startswith(("http://", "https://")):
            found.append("BOSS_PROCESSOR_URL is required with BOSS_PROCESSOR=rest, such as https://api.example.com.")
        if self.processor == REST and not self.processor_api_key:
            found.append("BOSS_PROCESSOR_API_KEY is required with BOSS_PROCESSOR=rest.")
        if self.sandbox_script is not None and not self.sandbox_script.is_file():
            found.append(f"BOSS_SANDBOX_SCRIPT names {self.sandbox_script}, but there is no such file.")
        return found
