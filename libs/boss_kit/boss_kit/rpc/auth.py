"""Who is calling: signed tokens (JWT, Ed25519) with roles and covered nodes."""

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt

from boss_kit.context import Actor
from boss_kit.errors import Transient, Unauthenticated
from boss_kit.rpc import roles as role_table
from boss_kit.rpc.keys import ALGORITHMS, SERVICE_USE, USE_FIELD

EVERYWHERE = "*"
SERVICE_TOKEN_S = 300
RENEW_BEFORE_S = 60
CACHED_TOKENS_MAX = 4096
CACHE_S = 30
REFRESH_S_MIN = 10
FETCH_TIMEOUT_S = 5
LEEWAY_S = 10


@dataclass(frozen=True)
class Token:
    """A verified token."""

    issuer: str
    actor: Actor
    roles: tuple[str, ...]
    nodes: tuple[str, ...]

    def may(self, permission: str) -> bool:
        """Tell whether the token's roles hold a permission."""
        return _allows(self.roles, permission)


@lru_cache(maxsize=4096)
def _allows(roles: tuple[str, ...], permission: str) -> bool:
    # The same few roles ask for the same few permissions, every call anew.
    return role_table.allows(roles, permission)


class KeySet:
    """The public keys an installation trusts, from a file or URL, read again when an unknown key turns up."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[jwt.PyJWK, bool]] = {}
        self._read_at = float("-inf")

    def load(self) -> None:
        """Read the keys. Raises Transient when the place doesn't answer."""
        keys = {}
        for key in self._fetch():
            # A set may hold keys for other uses and of other kinds; those sign nothing for us.
            with contextlib.suppress(jwt.PyJWTError, KeyError):
                keys[key["kid"]] = (jwt.PyJWK(dict(key)), key.get(USE_FIELD) == SERVICE_USE)
        self._keys = keys
        self._read_at = time.monotonic()

    def find(self, key_id: str) -> tuple[jwt.PyJWK, bool]:
        """Give a key, and whether it is a service's own. Raises Unauthenticated for an unknown one."""
        if key_id not in self._keys:
            with self._lock:
                # A stranger's tokens must not make us read the keys all the time.
                if key_id not in self._keys and time.monotonic() - self._read_at > REFRESH_S_MIN:
                    self.load()
        if key_id not in self._keys:
            raise _refused("it is signed with a key that this installation doesn't know")
        return self._keys[key_id]

    def _fetch(self) -> Sequence[Mapping[str, Any]]:
        try:
            if self._location.startswith(("https://", "http://")):
                with urllib.request.urlopen(self._location, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 - http(s) only
                    text = answer.read()
            else:
                text = Path(self._location.removeprefix("file://")).read_bytes()
            keys: Sequence[Mapping[str, Any]] = json.loads(text)["keys"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Transient(
                "KEYS_UNAVAILABLE", "The keys for checking tokens can't be read; try again later."
            ) from error
        return keys


class Verifier:
    """Checks tokens for one service."""

    def __init__(self, audience: str, keys: KeySet) -> None:
        self._audience = audience
        self._keys = keys
        self._cache: dict[str, tuple[Token, float]] = {}

    def verify(self, text: str) -> Token:
        """Check a token. Raises Unauthenticated, saying what is wrong with it."""
        known = self._cache.get(text)
        if known is not None and known[1] > time.time():
            return known[0]
        token, expires = self._verify(text)
        if len(self._cache) >= CACHED_TOKENS_MAX:
            self._cache.clear()
        # Not for longer than a moment, so that a key that is taken away soon counts for nothing.
        self._cache[text] = (token, min(expires, time.time() + CACHE_S))
        return token

    def _verify(self, text: str) -> tuple[Token, float]:
        try:
            key_id = jwt.get_unverified_header(text).get("kid")
            key, of_service = self._keys.find(str(key_id))
            claims = jwt.decode(
                text,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
            return _read_claims(claims, str(key_id), of_service=of_service), float(claims["exp"])
        except jwt.ExpiredSignatureError:
            raise _refused("it has expired; get a new one") from None
        except jwt.InvalidAudienceError:
            raise _refused(f"it isn't meant for {self._audience}") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"it has no claim {error.claim}") from None
        except (jwt.PyJWTError, TypeError, ValueError, KeyError, AttributeError):
            raise _refused("it can't be read or its signature is wrong") from None


class Signer:
    """Signs a service's own short tokens, one per audience and person, and keeps them until shortly before they end."""

    def __init__(self, service: str, private_key: str | bytes) -> None:
        self._service = service
        self._private_key = private_key
        self._cache: dict[tuple[str, Actor | None], tuple[str, float]] = {}

    def token(self, audience: str, actor: Actor | None = None) -> str:
        """Give a token for a target, on behalf of a person where there is one."""
        known = self._cache.get((audience, actor))
        if known is not None and known[1] > time.time():
            return known[0]
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._service,
            "sub": self._service,
            "aud": audience,
            "iat": now,
            "exp": now + SERVICE_TOKEN_S,
            "roles": [role_table.SERVICE],
            "nodes": [EVERYWHERE],
        }
        if actor is not None:
            claims["act"] = asdict(actor)
        text = sign(claims, self._private_key, key_id=self._service)
        if len(self._cache) >= CACHED_TOKENS_MAX:
            self._cache.clear()
        self._cache[audience, actor] = (text, now + SERVICE_TOKEN_S - RENEW_BEFORE_S)
        return text


def sign(claims: Mapping[str, Any], private_key: str | bytes, key_id: str) -> str:
    """Sign claims with Ed25519."""
    return jwt.encode(dict(claims), private_key, algorithm="EdDSA", headers={"kid": key_id})


def _read_claims(claims: Mapping[str, Any], key_id: str, *, of_service: bool) -> Token:
    roles = _texts(claims, "roles")
    if of_service and (roles != (role_table.SERVICE,) or claims["iss"] != key_id or claims["sub"] != key_id):
        raise _refused("a service's key signs only for the service itself")
    if not of_service and role_table.SERVICE in roles:
        raise _refused("only a service's own key may give the role service")
    act = claims.get("act") if of_service else None
    actor = Actor.from_json(json.dumps(act)) if act else _actor(claims)
    return Token(str(claims["iss"]), actor, roles, _texts(claims, "nodes"))


def _actor(claims: Mapping[str, Any]) -> Actor:
    role, location, workstation = (str(claims.get(name, "")) for name in ("work_role", "location", "workstation"))
    return Actor(str(claims["sub"]), role, location, workstation)


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = claims.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _refused(f"its claim {name} isn't a list of texts")
    return tuple(values)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated("TOKEN_REFUSED", f"The token is refused: {why}.", metadata={"why": why})
