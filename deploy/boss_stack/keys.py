"""Keys and tokens of an installation that has no identity provider of its own: demo, tests, one machine."""

import os
import time
from pathlib import Path

from boss_kit.rpc.auth import EVERYWHERE, sign
from boss_kit.rpc.keys import PEOPLE, make_keys
from boss_stack.layout import SERVICES

OPERATOR_TOKEN_S = 30 * 24 * 3600
OPERATOR = "operator@example.com"


def make(folder: Path) -> Path:
    """Make the services' keys and a platform operator's token; give the token file's path."""
    make_keys(folder, [PEOPLE, *SERVICES])
    path = folder / "operator.jwt"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(operator_token(folder))
    return path


def operator_token(folder: Path) -> str:
    """Sign a token with which a platform operator may do everything, everywhere."""
    now = int(time.time())
    claims = {
        "iss": PEOPLE,
        "sub": OPERATOR,
        "aud": list(SERVICES),
        "iat": now,
        "exp": now + OPERATOR_TOKEN_S,
        "roles": ["platform_operator"],
        "nodes": [EVERYWHERE],
        "work_role": "Platform operator",
        "location": "Head office",
        "workstation": "console",
    }
    return sign(claims, (folder / f"{PEOPLE}.pem").read_bytes(), key_id=PEOPLE)


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{make(Path(sys.argv[1]))}\n")
