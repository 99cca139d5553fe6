"""What an installation decides about billing."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from boss_kit.settings import Settings, setting

SANDBOX = "sandbox"
PROCESSORS = (SANDBOX,)


@dataclass(frozen=True, kw_only=True)
class BillingSettings(Settings):
    """The kit's settings and billing's own."""

    peers: ClassVar[tuple[str, ...]] = ("agreements", "billing")

    processor: str = setting(
        "BOSS_PROCESSOR", "Which payment processor: `sandbox` is the simulator in the box.", default=SANDBOX
    )
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

    def problems(self) -> list[str]:
        """List what can't go together."""
        found = super().problems()
        if self.processor not in PROCESSORS:
            found.append(f"BOSS_PROCESSOR is {self.processor!r}: use one of {', '.join(PROCESSORS)}.")
        if self.sandbox_script is not None and not self.sandbox_script.is_file():
            found.append(f"BOSS_SANDBOX_SCRIPT names {self.sandbox_script}, but there is no such file.")
        return found
