"""Where everything of one distributed installation is: folder, ports, environment of each process."""

import hashlib
import json
import os
import shlex
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from boss_cli.clients import SERVICES
from boss_kit.nodes.process import LOCALHOST, free_port

__all__ = (
    "HTTP_SERVICES",
    "RUNS",
    "SERVICES",
    "WORKERS",
    "Layout",
    "OtherLayoutError",
    "folder_default",
    "plan",
    "read",
)

HTTP_SERVICES = ("billing", "notifications")
WORKERS = 2
RUNS = {"billing": 3}
"""A bill run is dealt to all `run` processes there are; on two cores three of them wait for each other least."""
_CHECKOUT = Path(__file__).resolve().parents[2]
_SHARED_PLACE = Path("/var/tmp")
SEED_DEFAULT = 1


class OtherLayoutError(Exception):
    """Says what was asked of an installation that has been made otherwise, and the way out."""


def folder_default() -> Path:
    """Give the folder of this checkout's installation; the database's own user must be able to reach it."""
    mark = hashlib.sha256(str(_CHECKOUT).encode()).hexdigest()[:8]
    return _SHARED_PLACE / f"boss-{os.geteuid()}-{mark}"


@dataclass(frozen=True)
class Layout:
    """One installation, as its state file keeps it."""

    folder: str
    database_url: str
    amqp_url: str
    database_port: int
    broker_port: int
    smtp_port: int
    mail_http_port: int
    grpc_ports: dict[str, int]
    http_ports: dict[str, int]
    seed: int
    test_clock: bool

    @property
    def path(self) -> Path:
        """Give the folder."""
        return Path(self.folder)

    @property
    def sandbox(self) -> Path:
        """Give the folder of emails, letters and calls."""
        return self.path / "messages"

    @property
    def logs(self) -> Path:
        """Give the folder of one log per process."""
        return self.path / "logs"

    @property
    def token_file(self) -> Path:
        """Give the file of an operator's token."""
        return self.path / "keys" / "operator.jwt"

    @property
    def shell_file(self) -> Path:
        """Give the file after which `boss` in a shell speaks to this installation."""
        return self.path / "boss.env"

    @property
    def ready(self) -> Path:
        """Give the file that is there while everything is up."""
        return self.path / "ready"

    def address(self, service: str) -> str:
        """Give the gRPC address of a service."""
        return f"{LOCALHOST}:{self.grpc_ports[service]}"

    def environment(self, service: str) -> dict[str, str]:
        """Give what a process of the service finds in its environment."""
        found = {
            "DATABASE_URL": f"{self.database_url}/boss_{service}",
            "AMQP_URL": self.amqp_url,
            "BOSS_GRPC_ADDRESS": self.address(service),
            "BOSS_JWKS": str(self.path / "keys" / "jwks.json"),
            "BOSS_SERVICE_KEY": str(self.path / "keys" / f"{service}.pem"),
            "BOSS_TEST_CLOCK": "on" if self.test_clock else "off",
            "BOSS_SANDBOX_SEED": str(self.seed),
            "BOSS_SANDBOX_FOLDER": str(self.sandbox),
            "BOSS_SMTP_ADDRESS": f"{LOCALHOST}:{self.smtp_port}",
            "BOSS_SMTP_QUERY_URL": (
                f"http://{LOCALHOST}:{self.mail_http_port}/api/v1/search?query=message-id:{{message_id}}"
            ),
        }
        if service in HTTP_SERVICES:
            found["BOSS_HTTP_ADDRESS"] = f"{LOCALHOST}:{self.http_ports[service]}"
        for other in SERVICES:
            found[f"BOSS_{other.upper()}_ADDRESS"] = self.address(other)
        return found

    def save(self) -> None:
        """Write the state file, and the one for a shell."""
        _state_file(self.path).write_text(json.dumps(asdict(self), indent=2))
        values = {f"BOSS_{service.upper()}_ADDRESS": self.address(service) for service in SERVICES}
        values["BOSS_TOKEN_FILE"] = str(self.token_file)
        lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
        lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
        self.shell_file.write_text("\n".join(lines) + "\n")


def plan(folder: Path, *, seed: int | None = None, test_clock: bool | None = None) -> Layout:
    """Read the installation of a folder, or lay out a new one on free ports; None takes what is there.

    `BOSS_STACK_DATABASE_URL` (without a database name) and `BOSS_STACK_AMQP_URL` name servers that are there already.
    Raises OtherLayoutError for an installation that was made with another seed or clock.
    """
    if _state_file(folder).exists():
        return _as_asked(read(folder), seed, test_clock)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    database_port, broker_port = free_port(), free_port()
    layout = Layout(
        folder=str(folder),
        database_url=os.environ.get("BOSS_STACK_DATABASE_URL", f"postgresql://postgres@{LOCALHOST}:{database_port}"),
        amqp_url=os.environ.get("BOSS_STACK_AMQP_URL", f"amqp://guest:guest@{LOCALHOST}:{broker_port}/"),
        database_port=0 if "BOSS_STACK_DATABASE_URL" in os.environ else database_port,
        broker_port=0 if "BOSS_STACK_AMQP_URL" in os.environ else broker_port,
        smtp_port=free_port(),
        mail_http_port=free_port(),
        grpc_ports={service: free_port() for service in SERVICES},
        http_ports={service: free_port() for service in HTTP_SERVICES},
        seed=SEED_DEFAULT if seed is None else seed,
        test_clock=bool(test_clock),
    )
    layout.sandbox.mkdir(exist_ok=True)
    layout.logs.mkdir(exist_ok=True)
    layout.save()
    return layout


def _as_asked(kept: Layout, seed: int | None, test_clock: bool | None) -> Layout:
    made = {"seed": kept.seed, "test clock": "on" if kept.test_clock else "off"}
    if seed not in (None, kept.seed) or test_clock not in (None, kept.test_clock):
        told = ", ".join(f"{name} {value}" for name, value in made.items())
        raise OtherLayoutError(
            f"The installation in {kept.folder} was made with {told}, and its data go by that. Leave the option out, "
            "name another --folder, or begin anew: .venv/bin/python -m boss_stack down --wipe"
        )
    # An installation of an earlier version has no file for a shell yet.
    kept.save()
    return kept


def read(folder: Path) -> Layout:
    """Read the state file of an installation. Raises FileNotFoundError where there is none."""
    return Layout(**json.loads(_state_file(folder).read_text()))


def _state_file(folder: Path) -> Path:
    return folder / "state.json"
