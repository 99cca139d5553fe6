"""What an installation decides about notifications."""

from dataclasses import dataclass
from pathlib import Path

from boss_kit.settings import Settings, is_webhook_secret, setting
from boss_notifications.dispatch.rules import SETTLE_AFTER_S

SECURITIES = ("none", "starttls", "tls")


@dataclass(frozen=True, kw_only=True)
class NotificationsSettings(Settings):
    """Where messages go. A channel without a provider waits."""

    peers = ("arm",)

    smtp_address: str = setting("BOSS_SMTP_ADDRESS", "Mail server as host:port; empty: emails wait.", default="")
    smtp_security: str = setting("BOSS_SMTP_SECURITY", "none, starttls or tls.", default="none")
    smtp_user: str = setting("BOSS_SMTP_USER", "User of the mail server; empty: no login.", default="")
    smtp_password: str = setting("BOSS_SMTP_PASSWORD", "Its password.", default="")
    smtp_query_url: str = setting(
        "BOSS_SMTP_QUERY_URL",
        "Where to ask for a sent email, with `{message_id}`, answering as Mailpit does; empty: nobody can be asked.",
        default="",
    )
    email_domain: str = setting(
        "BOSS_EMAIL_DOMAIN",
        "Domain of Message-IDs, and of the sender where a unit has none.",
        default="boss.example.com",
    )
    sender_lease_s: int = setting(
        "BOSS_SENDER_LEASE_S", "After a crash: how long a lost sender may still be at work.", default=SETTLE_AFTER_S
    )
    sandbox_folder: Path | None = setting(
        "BOSS_SANDBOX_FOLDER", "Folder of sandbox letters and calls; empty: no sandbox.", default=None
    )
    sandbox_seed: str = setting("BOSS_SANDBOX_SEED", "What the sandbox's answers follow from.", default="1")
    webhook_secrets: tuple[str, ...] = setting(
        "BOSS_WEBHOOK_SECRETS", "Standard Webhooks secrets, by comma; empty: no webhook door.", default=()
    )

    def problems(self) -> list[str]:
        """List what can't go together."""
        found = super().problems()
        host, _, port = self.smtp_address.rpartition(":")
        if self.smtp_address and not (host and port.isdigit()):
            found.append(f"BOSS_SMTP_ADDRESS is {self.smtp_address!r}: use host:port.")
        if self.smtp_security not in SECURITIES:
            found.append(f"BOSS_SMTP_SECURITY is {self.smtp_security!r}: use {', '.join(SECURITIES)}.")
        if self.smtp_query_url and not self.smtp_query_url.startswith(("http://", "https://")):
            found.append(f"BOSS_SMTP_QUERY_URL is {self.smtp_query_url!r}: use http:// or https://.")
        if self.smtp_query_url and "{message_id}" not in self.smtp_query_url:
            found.append("BOSS_SMTP_QUERY_URL holds no {message_id}: say where in the address it belongs.")
        if self.sandbox_folder and "notifications" not in self.addresses:
            found.append("BOSS_NOTIFICATIONS_ADDRESS is missing: the sandbox answers through this service's own door.")
        if not all(is_webhook_secret(secret) for secret in self.webhook_secrets):
            found.append(
                "BOSS_WEBHOOK_SECRETS holds something else: each is whsec_ and base64, as Standard Webhooks has it."
            )
        return found
