"""Key pairs for tokens: made for the embedded demo and for tests; production brings its own."""

import base64
import json
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ALGORITHMS = ("EdDSA", "ES256", "RS256")
USE_FIELD = "boss_use"
SERVICE_USE = "service"
PEOPLE = "users"
"""The name of the key that signs people's tokens; every other key is a service's own."""
JWKS_FILE = "jwks.json"


def make_keys(directory: Path, names: Iterable[str]) -> Path:
    """Write `<name>.pem` for each name and one `jwks.json` with the public halves; give the latter's path.

    Keys that exist are kept.
    """
    directory.mkdir(parents=True, exist_ok=True)
    public = [_public_key(name, _private_key(directory / f"{name}.pem")) for name in names]
    path = directory / JWKS_FILE
    path.write_text(json.dumps({"keys": public}, indent=2, sort_keys=True) + "\n")
    return path


def _private_key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    return _read_private_key(path)


def _read_private_key(path: Path) -> Ed25519PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path.name} isn't an Ed25519 key")
    return key


def _public_key(name: str, key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    entry = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": name}
    entry["x"] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return entry if name == PEOPLE else {**entry, USE_FIELD: SERVICE_USE}
