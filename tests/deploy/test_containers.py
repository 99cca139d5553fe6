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


def test_broker_and_database_are_the_versions_the_services_are_written_for() -> None:
    assert COMPOSE["services"]["rabbitmq"]["image"] == "rabbitmq:4"
    assert COMPOSE["services"]["postgres"]["image"] == "postgres:18"
