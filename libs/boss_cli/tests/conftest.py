"""Stand-in services behind the kit's real server: real tokens, real errors."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# pytest's importlib mode leaves the tests' own folder out.
sys.path.insert(0, str(Path(__file__).parent))
from stand_ins import ENTERPRISE, NOBODY, Cli

from boss_cli.clients import SERVICES

if TYPE_CHECKING:
    from boss_kit.testing.server import Serving
    from boss_kit.testing.tokens import TokenMaker


@pytest.fixture
def cli(serving: "Serving", tokens: "TokenMaker", tmp_path: Path) -> Cli:
    """Give `boss` for stand-ins that the test adds; services without one are down."""
    token_file = tmp_path / "token"
    token_file.write_text(tokens.token("olga") + "\n")
    environ = {f"BOSS_{service.upper()}_ADDRESS": NOBODY for service in SERVICES}
    environ |= {"BOSS_TOKEN_FILE": str(token_file), "BOSS_ENTERPRISE": str(ENTERPRISE)}
    return Cli(serving, environ)
