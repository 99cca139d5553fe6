"""Tokens for tests: keys made once per run, people made at will."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from boss_kit.events.topology import load_topology
from boss_kit.rpc.auth import EVERYWHERE, KeySet, Signer, Verifier, sign
from boss_kit.rpc.keys import PEOPLE, make_keys
from boss_kit.rpc.roles import PLATFORM_OPERATOR

SERVICES = (*load_topology().consumers, "test")
LIFE_S = 3600


class TokenMaker:
    """Signs tokens as an identity provider would."""

    def __init__(self, directory: Path, services: Sequence[str] = SERVICES) -> None:
        self.directory = directory
        self.jwks = make_keys(directory, [PEOPLE, *services])
        self._key = (directory / f"{PEOPLE}.pem").read_bytes()
        self._services = tuple(services)

    def token(
        self,
        user: str = "operator",
        roles: Sequence[str] = (PLATFORM_OPERATOR,),
        nodes: Sequence[str] = (EVERYWHERE,),
        *,
        audience: str | Sequence[str] = (),
        life_s: int = LIFE_S,
        work_role: str = "",
        location: str = "",
        workstation: str = "",
    ) -> str:
        """Sign a person's token; without an audience it is for every service."""
        claims = {
            "iss": "test",
            "sub": user,
            "aud": audience if isinstance(audience, str) else list(audience or self._services),
            "exp": int(time.time()) + life_s,
            "roles": list(roles),
            "nodes": list(nodes),
            "work_role": work_role,
            "location": location,
            "workstation": workstation,
        }
        return sign(claims, self._key, key_id=PEOPLE)

    def service_key(self, service: str) -> Path:
        """Give the file of a service's private key."""
        return self.directory / f"{service}.pem"

    def signer(self, service: str) -> Signer:
        """Sign as a service."""
        return Signer(service, self.service_key(service).read_bytes())

    def verifier(self, service: str) -> Verifier:
        """Verify as a service."""
        return Verifier(service, KeySet(str(self.jwks)))


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> TokenMaker:
    """Make the keys of the run."""
    return TokenMaker(tmp_path_factory.mktemp("keys"))
