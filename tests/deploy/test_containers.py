"""The containers and the settings say the same."""

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from boss_kit.settings import Settings
from boss_stack.layout import SERVICES

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PROCESSES = {"": "serve", "-work": "work", "-run": "run", "-migrate": "migrate"}


def environment(service: str, keys: Path) -> dict[str, str]:
    """Give the environment of a service's container with the keys where the test has them."""
    found = {name: str(value) for name, value in COMPOSE["services"][service]["environment"].items()}
    return {
        name: re.sub(r"\$\{\w+:-(\w*)\}", r"\1", value).replace("/keys/", f"{keys}/") for name, value in found.items()
    }


def settings_of(service: str) -> type[Settings]:
    """Give the settings a service reads."""
    settings: type[Settings] = importlib.import_module(f"boss_{service}.app").SERVICE.settings
    return settings


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Make files where the settings expect keys."""
    for name in ("jwks.json", *(f"{service}.pem" for service in SERVICES)):
        (tmp_path / name).write_text("{}")
    return tmp_path


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_every_setting_its_service_asks_for(service: str, keys: Path) -> None:
    made = settings_of(service).from_environ(environment(service, keys))
    assert made.amqp_url.startswith("amqp://")
    assert made.database_url.endswith(f"/boss_{service}")


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_setting_nobody_reads(service: str, keys: Path) -> None:
    known = set()
    for other in SERVICES:
        known |= {field.metadata.get("variable") for field in fields(settings_of(other))}
    addresses = {f"BOSS_{other.upper()}_ADDRESS" for other in SERVICES}
    assert set(environment(service, keys)) <= known | addresses


def test_billings_containers_take_their_processor_from_whoever_starts_them() -> None:
    passed_on = {
        name: value
        for name, value in COMPOSE["services"]["billing"]["environment"].items()
        if name.startswith("BOSS_PROCESSOR")
    }
    assert {"BOSS_PROCESSOR", "BOSS_PROCESSOR_SFTP", "BOSS_PROCESSOR_SFTP_KNOWN_HOSTS"} <= set(passed_on)
    assert all(re.fullmatch(rf"\$\{{{name}:-\w*\}}", value) for name, value in passed_on.items())


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("suffix", "command"), PROCESSES.items())
def test_every_process_of_a_service_has_a_container(service: str, suffix: str, command: str) -> None:
    container = COMPOSE["services"][f"{service}{suffix}"]
    assert container["command"].split()[0] == command
    assert container["image"] == f"boss-{service}"
    assert container["build"]["args"] == {"SERVICE": service}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_database_of_its_own(service: str) -> None:
    assert f"CREATE DATABASE boss_{service};" in (DEPLOY / "databases.sql").read_text()


def test_the_image_does_not_run_as_root_and_checks_its_health() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(line.startswith("HEALTHCHECK ") for line in lines)


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_container_publishes_has_somebody_who_can_be_let_in(service: str) -> None:
    """A port for webhooks is a door only with the secrets of those who come through it."""
    inside = {port.rpartition(":")[2] for port in COMPOSE["services"][service]["ports"]}
    passed_on = COMPOSE["services"][service]["environment"]
    secrets = [name for name, value in passed_on.items() if name.endswith("WEBHOOK_SECRETS") and f"${{{name}" in value]
    assert ("8080" in inside) == bool(secrets)


@pytest.mark.parametrize("service", SERVICES)
def test_the_image_owns_the_folders_that_its_containers_write_to(service: str) -> None:
    mounted = [volume.split(":") for volume in COMPOSE["services"][service]["volumes"]]
    written = [place for source, place, *mode in mounted if not source.startswith(".") and mode != ["ro"]]
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    owner = next(line for line in lines if line.startswith("RUN useradd"))
    assert written == ["/messages"]
    assert all(f"install -d -o boss {place}" in owner for place in written)


def test_the_broker_keeps_its_queues_when_its_container_is_made_anew() -> None:
    broker = COMPOSE["services"]["rabbitmq"]
    assert broker["hostname"] == "rabbitmq"
    assert "rabbitmq:/var/lib/rabbitmq" in broker["volumes"]


def test_nobody_is_started_before_database_and_broker_take_connections() -> None:
    assert "-h" in COMPOSE["services"]["postgres"]["healthcheck"]["test"]
    assert "check_port_connectivity" in COMPOSE["services"]["rabbitmq"]["healthcheck"]["test"]
    for service in SERVICES:
        needed = COMPOSE["services"][f"{service}-migrate"]["depends_on"]
        assert {name: need["condition"] for name, need in needed.items()} == {
            "postgres": "service_healthy",
            "rabbitmq": "service_healthy",
        }


def test_the_image_gets_all_it_copies_and_no_keys() -> None:
    kept = [line[1:] for line in (DEPLOY.parent / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert {path.split("/$")[0] for path in copied} == set(kept)
    assert "/deploy/keys/" in (DEPLOY.parent / ".gitignore").read_text().splitlines()


def test_broker_and_database_are_the_versions_the_services_are_written_for() -> None:
    assert COMPOSE["services"]["rabbitmq"]["image"] == "rabbitmq:4"
    assert COMPOSE["services"]["postgres"]["image"] == "postgres:18"
