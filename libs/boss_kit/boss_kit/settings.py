"""What an installation decides, read once from the environment; what is missing or wrong stops the start."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints
from urllib.parse import urlsplit

from boss_kit.days import parse_zone
from boss_kit.errors import InvalidArgument

EXIT_CODE_CONFIGURATION = 78

_ON, _OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")
_ADDRESS = re.compile(r"BOSS_([A-Z][A-Z0-9]*)_ADDRESS")
_OWN_ADDRESSES = ("GRPC", "HTTP", "METRICS")
_PLACE = re.compile(r"unix:.+|.+:\d{1,5}")
_SCHEMES = {
    "DATABASE_URL": (("postgresql", "postgres", "postgresql+psycopg"), "postgresql://user:password@host:5432/database"),
    "AMQP_URL": (("amqp", "amqps"), "amqp://user:password@host:5672/"),
}


class SettingsError(Exception):
    """Says, in one line per variable, what is missing or wrong and what would be right."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StartError(Exception):
    """Says in a sentence which setting names something that isn't as the process needs it, and the way out."""


def setting(variable: str, text: str, *, default: Any = MISSING) -> Any:
    """Declare a field that is read from an environment variable."""
    metadata = {"variable": variable, "text": text}
    if default is MISSING:
        return field(metadata=metadata)
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every service needs. A service's own class adds fields with `setting` and names its `peers`."""

    peers: ClassVar[tuple[str, ...]] = ()
    """The services this one calls; the address of each has to be set."""

    database_url: str = setting("DATABASE_URL", "Address of the service's own PostgreSQL database (16 or newer).")
    amqp_url: str = setting("AMQP_URL", "Address of RabbitMQ; empty: the local bus inside PostgreSQL.", default="")
    grpc_address: str = setting(
        "BOSS_GRPC_ADDRESS", "Where `serve` listens; port 0 takes a free one.", default="0.0.0.0:50051"
    )
    http_address: str = setting("BOSS_HTTP_ADDRESS", "Where `serve` listens for webhooks.", default="0.0.0.0:8080")
    metrics_address: str = setting("BOSS_METRICS_ADDRESS", "Where Prometheus may ask; empty: nowhere.", default="")
    otlp_endpoint: str = setting("BOSS_OTLP_ENDPOINT", "Where traces go, OTLP over HTTP; empty: nowhere.", default="")
    log_level: str = setting("BOSS_LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR.", default="INFO")
    jwks: str = setting("BOSS_JWKS", "File or URL of the public keys (JWKS) that tokens are checked with.")
    service_key: Path = setting("BOSS_SERVICE_KEY", "File with this service's private key (PEM, Ed25519).")
    test_clock: bool = setting("BOSS_TEST_CLOCK", "on: the installation's time is driven by hand.", default=False)
    reflection: bool = setting(
        "BOSS_REFLECTION", "on: the API describes itself to tools such as grpcurl.", default=False
    )
    time_zone: str = setting("BOSS_TIME_ZONE", "Zone of the schedule's local times.", default="UTC")
    consumers: tuple[str, ...] = setting(
        "BOSS_CONSUMERS", "Services whose queues are declared, by comma; empty: all of the topology.", default=()
    )
    local_bus_urls: Mapping[str, str] = setting(
        "BOSS_LOCAL_BUS_URLS", "For the local bus: `service=database address`, separated by blanks.", default={}
    )
    tls_certificate: Path | None = setting("BOSS_TLS_CERTIFICATE", "Certificate file for mutual TLS.", default=None)
    tls_private_key: Path | None = setting("BOSS_TLS_PRIVATE_KEY", "Its private key file.", default=None)
    tls_client_authority: Path | None = setting(
        "BOSS_TLS_AUTHORITY", "File of the authority of all peers.", default=None
    )
    pool_serve: int = setting("BOSS_POOL_SERVE", "Database connections of a `serve` process.", default=8)
    pool_work: int = setting("BOSS_POOL_WORK", "Database connections of a `work` process.", default=2)
    pool_run: int = setting("BOSS_POOL_RUN", "Database connections of a `run` process.", default=4)
    runners: int = setting("BOSS_RUNNERS", "Tasks a `run` process does at a time.", default=1)
    addresses: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings. Raises SettingsError that names every variable that is missing or wrong."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        hints = get_type_hints(cls)
        for one in fields(cls):
            if "variable" in one.metadata:
                _read_into(values, problems, one, hints[one.name], environ)
        values["addresses"] = _addresses(environ)
        problems += [
            f"BOSS_{peer.upper()}_ADDRESS is missing: where the service {peer} listens, such as {peer}:50051."
            for peer in cls.peers
            if peer not in values["addresses"]
        ]
        if problems:
            raise SettingsError(problems)
        made = cls(**values)
        if found := made.problems():
            raise SettingsError(found)
        return made

    def problems(self) -> list[str]:
        """List what can't go together."""
        found = []
        tls = (self.tls_certificate, self.tls_private_key, self.tls_client_authority)
        if any(tls) and not all(tls):
            found.append(
                "BOSS_TLS_CERTIFICATE, BOSS_TLS_PRIVATE_KEY and BOSS_TLS_AUTHORITY go together: set all or none."
            )
        if self.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            found.append(f"BOSS_LOG_LEVEL is {self.log_level!r}: use DEBUG, INFO, WARNING or ERROR.")
        found += [*self._wrong_places(), *self._wrong_urls(), *self._wrong_zone()]
        files = {"BOSS_SERVICE_KEY": self.service_key}
        if all(tls):
            names = ("BOSS_TLS_CERTIFICATE", "BOSS_TLS_PRIVATE_KEY", "BOSS_TLS_AUTHORITY")
            files |= {name: path for name, path in zip(names, tls, strict=True) if path is not None}
        if not self.jwks.startswith(("http://", "https://")):
            files["BOSS_JWKS"] = Path(self.jwks.removeprefix("file://"))
        found += [
            f"{variable} names {path}, but there is no such file."
            for variable, path in files.items()
            if not path.is_file()
        ]
        return found

    def _wrong_places(self) -> Iterator[str]:
        own = {
            "BOSS_GRPC_ADDRESS": self.grpc_address,
            "BOSS_HTTP_ADDRESS": self.http_address,
            **({"BOSS_METRICS_ADDRESS": self.metrics_address} if self.metrics_address else {}),
        }
        others = {f"BOSS_{peer.upper()}_ADDRESS": self.addresses[peer] for peer in self.peers}
        for variable, address in {**own, **others}.items():
            if not _PLACE.fullmatch(address):
                yield f"{variable} is {address!r}: use host:port, such as 127.0.0.1:50051."

    def _wrong_urls(self) -> Iterator[str]:
        urls = {"DATABASE_URL": self.database_url, **({"AMQP_URL": self.amqp_url} if self.amqp_url else {})}
        for variable, url in urls.items():
            schemes, example = _SCHEMES[variable]
            if not _is_url(url, schemes):
                # Not the address itself: it may hold a password.
                yield f"{variable} is no address of the kind it has to be: use {example}"

    def _wrong_zone(self) -> Iterator[str]:
        try:
            parse_zone(self.time_zone)
        except InvalidArgument as error:
            yield f"BOSS_TIME_ZONE: {error.violations[0].description}"


def _is_url(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def is_webhook_secret(text: str) -> bool:
    """Tell whether a text is a secret as Standard Webhooks has it: `whsec_` and base64."""
    try:
        return text.startswith("whsec_") and bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        return False


def describe(settings: type[Settings]) -> str:
    """Write the settings as a Markdown table."""
    rows = ["| variable | default | what |", "|---|---|---|"]
    rows += [
        f"| `{one.metadata['variable']}` | {_default_text(one)} | {one.metadata['text']} |"
        for one in fields(settings)
        if "variable" in one.metadata
    ]
    rows += [
        f"| `BOSS_{peer.upper()}_ADDRESS` | required | Where the service {peer} listens. |" for peer in settings.peers
    ]
    return "\n".join(rows)


def _read_into(
    values: dict[str, Any], problems: list[str], one: "Field[Any]", kind: Any, environ: Mapping[str, str]
) -> None:
    variable, text = one.metadata["variable"], environ.get(one.metadata["variable"], "")
    if not text:
        if one.default is MISSING and one.default_factory is MISSING:
            problems.append(f"{variable} is missing: {one.metadata['text']}")
        return
    try:
        values[one.name] = _parse(text, kind)
    except ValueError as error:
        problems.append(f"{variable} is {text!r}: {error}")


def _parse(text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() not in _ON + _OFF:
            raise ValueError("use on or off.")
        return text.lower() in _ON
    if kind is int:
        if not re.fullmatch(r"[1-9]\d{0,6}", text):
            raise ValueError("use a whole number above 0.")
        return int(text)
    if kind in (Path, Path | None):
        return Path(text)
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind == Mapping[str, str]:
        return dict(_pair(part) for part in text.split())
    return text


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise ValueError("use name=address, separated by blanks.")
    return name, value


def _addresses(environ: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for variable, value in environ.items():
        match = _ADDRESS.fullmatch(variable)
        if match and match[1] not in _OWN_ADDRESSES and value:
            found[match[1].lower()] = value
    return found


def _default_text(one: "Field[Any]") -> str:
    if one.default is MISSING:
        return "required" if one.default_factory is MISSING else "empty"
    if isinstance(one.default, bool):
        return "on" if one.default else "off"
    return f"`{one.default}`" if one.default not in ("", (), None) else "empty"
