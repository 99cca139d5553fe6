"""Where a person's token comes from."""

from pathlib import Path

from boss_cli.channels import TokenSource
from boss_cli.failures import BossCommandError


def file_token(path: Path) -> TokenSource:
    """Read one token, meant for all services, from a file: again for each call, as it is replaced before it ends."""

    def read(_service: str) -> str:
        try:
            return path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it isn't text"
            raise BossCommandError(f"The token file {path} can't be read: {why}. Set BOSS_TOKEN_FILE.") from None

    return read


def no_token(_service: str) -> str:
    """Stop, saying how to name a token."""
    raise BossCommandError("There is no token to call with; set BOSS_TOKEN_FILE, or give --token-file.")
