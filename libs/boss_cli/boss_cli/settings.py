"""Where the services are and who asks: flags first, then the environment, then what a local installation has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from boss_cli.clients import SERVICES, TokenSource
from boss_cli.failures import BossCommandError

TOKEN_FILE = "BOSS_TOKEN_FILE"
ADDRESS_DEFAULTS = {service: f"127.0.0.1:{7001 + index}" for index, service in enumerate(SERVICES)}


@dataclass(frozen=True)
class CliSettings:
    """What every command needs."""

    addresses: Mapping[str, str]
    token_file: Path | None

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str], addresses: Mapping[str, str] | None = None, token_file: Path | None = None
    ) -> "CliSettings":
        """Read `BOSS_<SERVICE>_ADDRESS` and `BOSS_TOKEN_FILE`; what is passed in goes first."""
        found = {
            service: environ.get(f"BOSS_{service.upper()}_ADDRESS") or default
            for service, default in ADDRESS_DEFAULTS.items()
        }
        named = environ.get(TOKEN_FILE)
        return cls({**found, **(addresses or {})}, token_file or (Path(named) if named else None))

    def token_source(self) -> TokenSource:
        """Give what reads the token, again for each call: a token is replaced before it ends."""
        return file_token(self.token_file) if self.token_file else no_token


def file_token(path: Path) -> TokenSource:
    """Read one token, meant for all services, from a file."""

    def read(service: str) -> str:
        try:
            return path.read_text().strip()
        except OSError as error:
            raise BossCommandError(
                f"The token file {path} can't be read: {error.strerror}; set {TOKEN_FILE}."
            ) from None

    return read


def no_token(service: str) -> str:
    """Send no token: the service will say that it wants one."""
    return ""
