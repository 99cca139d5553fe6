"""Settings."""

from dataclasses import dataclass
from typing import Any

import pytest

from boss_kit.settings import Settings, SettingsError, describe, setting
from boss_kit.testing.tokens import TokenMaker


@dataclass(frozen=True, kw_only=True)
class ThingSettings(Settings):
    peers = ("arm",)
    page_size: int = setting("BOSS_THING_PAGE", "Rows a page.", default=2000)


@pytest.fixture
def environ(tokens: TokenMaker) -> Any:
    return {
        "DATABASE_URL": "postgresql://localhost/x",
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("arm")),
        "BOSS_ARM_ADDRESS": "arm:50051",
    }


def test_what_is_set_is_read_and_the_rest_has_defaults(environ: dict[str, str]) -> None:
    settings = ThingSettings.from_environ(
        {
            **environ,
            "BOSS_THING_PAGE": "7",
            "BOSS_TEST_CLOCK": "on",
            "BOSS_CONSUMERS": "billing, arm",
            "BOSS_LOCAL_BUS_URLS": "arm=postgresql:///arm?host=/tmp/x billing=postgresql:///b",
            "BOSS_GRPC_ADDRESS": "127.0.0.1:0",
        }
    )
    assert (settings.page_size, settings.test_clock, settings.consumers) == (7, True, ("billing", "arm"))
    assert settings.local_bus_urls == {"arm": "postgresql:///arm?host=/tmp/x", "billing": "postgresql:///b"}
    assert (settings.addresses, settings.grpc_address) == ({"arm": "arm:50051"}, "127.0.0.1:0")
    assert (settings.pool_serve, settings.pool_work, settings.pool_run, settings.amqp_url) == (8, 2, 4, "")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is missing"),
        ("BOSS_ARM_ADDRESS", "", "BOSS_ARM_ADDRESS is missing"),
        ("BOSS_TEST_CLOCK", "maybe", "use on or off"),
        ("BOSS_POOL_RUN", "0", "use a whole number above 0"),
        ("BOSS_LOCAL_BUS_URLS", "arm", "use name=address"),
        ("BOSS_JWKS", "/nowhere/jwks.json", "there is no such file"),
        ("BOSS_LOG_LEVEL", "loud", "use DEBUG, INFO, WARNING or ERROR"),
        ("BOSS_TLS_CERTIFICATE", "/x.pem", "go together"),
        ("BOSS_GRPC_ADDRESS", "50051", "use host:port"),
        ("BOSS_METRICS_ADDRESS", "x", "use host:port"),
        ("BOSS_ARM_ADDRESS", "arm", "use host:port"),
        ("DATABASE_URL", "mysql://localhost/x", "use postgresql://user:password@host:5432/database"),
        ("DATABASE_URL", "postgresql://localhost:port/x", "use postgresql://user"),
        ("AMQP_URL", "localhost:5672", "use amqp://user:password@host:5672/"),
        ("BOSS_TIME_ZONE", "Mars/Olympus", "use an IANA name such as America/Denver"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_the_way_out(
    environ: dict[str, str], variable: str, value: Any, says: str
) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        ThingSettings.from_environ({**environ, variable: value})
    assert variable in str(caught.value)


def test_a_wrong_address_is_not_repeated_because_it_may_hold_a_password(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        ThingSettings.from_environ({**environ, "DATABASE_URL": "postgres//boss:geheim@db/x"})
    assert "geheim" not in str(caught.value)


def test_a_file_of_mutual_tls_that_is_not_there_is_named(environ: dict[str, str]) -> None:
    tls = {"BOSS_TLS_CERTIFICATE": "/nowhere.pem", "BOSS_TLS_PRIVATE_KEY": "/nowhere.key", "BOSS_TLS_AUTHORITY": "/ca"}
    with pytest.raises(SettingsError) as caught:
        ThingSettings.from_environ({**environ, **tls})
    assert [problem.split()[0] for problem in caught.value.problems] == list(tls)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        ThingSettings.from_environ({})
    assert len(caught.value.problems) == 4


def test_the_table_names_every_variable() -> None:
    table = describe(ThingSettings)
    for variable in ("DATABASE_URL", "AMQP_URL", "BOSS_THING_PAGE", "BOSS_ARM_ADDRESS", "BOSS_LOCAL_BUS_URLS"):
        assert f"`{variable}`" in table
