"""What an installation decides about billing."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from boss_kit.settings import Settings, is_webhook_secret, setting

SANDBOX, FILE, REST = "sandbox", "file", "rest"
PROCESSORS = (SANDBOX, FILE, REST)
SFTP_PORT = 22


@dataclass(frozen=True)
class SftpServer:
    """Where the processor's SFTP server is, who we are there, and in which folder."""

    host: str
    port: int
    user: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class BillingSettings(Settings):
    """The kit's settings and billing's own."""

    peers: ClassVar[tuple[str, ...]] = ("agreements", "billing")

    processor: str = setting(
        "BOSS_PROCESSOR",
        "Which payment processor: `sandbox` (the simulator), `file` (in a folder or over SFTP) or `rest` (an API).",
        default=SANDBOX,
    )
    processor_folder: Path | None = setting(
        "BOSS_PROCESSOR_FOLDER", "The folder of this machine that `file` exchanges with the processor.", default=None
    )
    processor_sftp: str = setting(
        "BOSS_PROCESSOR_SFTP",
        "Instead of a folder: the SFTP server, such as `sftp://club@sftp.example.com/exchange`; `/~/` is the home.",
        default="",
    )
    processor_sftp_known_hosts: Path | None = setting(
        "BOSS_PROCESSOR_SFTP_KNOWN_HOSTS",
        "File with the server's key, as `ssh-keyscan` writes it; no other key is trusted.",
        default=None,
    )
    processor_sftp_key: Path | None = setting(
        "BOSS_PROCESSOR_SFTP_KEY", "File with our private key for the server.", default=None
    )
    processor_sftp_password: str = setting(
        "BOSS_PROCESSOR_SFTP_PASSWORD", "Our password there, where it takes no key.", default=""
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
    def sftp_server(self) -> SftpServer | None:
        """Read where the SFTP server is; None for what isn't such an address."""
        try:
            parts = urlsplit(self.processor_sftp)
            port = parts.port or SFTP_PORT
        except ValueError:
            return None
        if parts.scheme != "sftp" or not parts.hostname or not parts.username or parts.password:
            return None
        folder = unquote(parts.path)
        folder = folder.removeprefix("/~/") if folder.startswith("/~/") else folder
        return SftpServer(parts.hostname, port, unquote(parts.username), folder.rstrip("/") or ("/" if folder else "."))

    def problems(self) -> list[str]:
        """List what can't go together."""
        found = super().problems()
        if self.processor not in PROCESSORS:
            found.append(f"BOSS_PROCESSOR is {self.processor!r}: use one of {', '.join(PROCESSORS)}.")
        if self.processor == FILE:
            found += self._file_problems()
        if self.processor == REST and not self.processor_url.startswith(("http://", "https://")):
            found.append("BOSS_PROCESSOR_URL is required with BOSS_PROCESSOR=rest, such as https://api.example.com.")
        if self.processor == REST and not self.processor_api_key:
            found.append("BOSS_PROCESSOR_API_KEY is required with BOSS_PROCESSOR=rest.")
        if self.sandbox_script is not None and not self.sandbox_script.is_file():
            found.append(f"BOSS_SANDBOX_SCRIPT names {self.sandbox_script}, but there is no such file.")
        if not all(is_webhook_secret(secret) for secret in self.webhook_secrets):
            text = "holds something else: each is whsec_ and base64, as Standard Webhooks has it."
            found.append(f"BOSS_PROCESSOR_WEBHOOK_SECRETS {text}")
        return found

    def _file_problems(self) -> list[str]:
        if (self.processor_folder is None) is (not self.processor_sftp):
            return ["BOSS_PROCESSOR=file needs either BOSS_PROCESSOR_FOLDER or BOSS_PROCESSOR_SFTP."]
        if self.processor_folder is not None:
            return []
        found = []
        if self.sftp_server is None:
            found.append(
                "BOSS_PROCESSOR_SFTP must be such as sftp://user@host:22/folder; "
                "a password goes into BOSS_PROCESSOR_SFTP_PASSWORD."
            )
        if self.processor_sftp_known_hosts is None:
            found.append("BOSS_PROCESSOR_SFTP_KNOWN_HOSTS is required with BOSS_PROCESSOR_SFTP.")
        if self.processor_sftp_key is None and not self.processor_sftp_password:
            found.append(
                "BOSS_PROCESSOR_SFTP_KEY or BOSS_PROCESSOR_SFTP_PASSWORD is required with BOSS_PROCESSOR_SFTP."
            )
        files = {
            "BOSS_PROCESSOR_SFTP_KNOWN_HOSTS": self.processor_sftp_known_hosts,
            "BOSS_PROCESSOR_SFTP_KEY": self.processor_sftp_key,
        }
        found += [
            f"{variable} names {path}, but there is no such file."
            for variable, path in files.items()
            if path is not None and not path.is_file()
        ]
        return found
