"""Settings that can't work stop the start, and say what would."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from boss_kit.settings import SettingsError
from boss_notifications.adapters.port import Certainty
from boss_notifications.app import SERVICE, jobs, providers
from boss_notifications.settings import NotificationsSettings

if TYPE_CHECKING:
    from boss_kit.testing.tokens import TokenMaker


def environ(tokens: "TokenMaker", **values: str) -> Mapping[str, str]:
    return {
        "DATABASE_URL": "postgresql://nowhere/boss_notifications",
        "BOSS_JWKS": str(tokens.jwks),
        "BOSS_SERVICE_KEY": str(tokens.service_key("notifications")),
        "BOSS_ARM_ADDRESS": "arm:50051",
        **values,
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BOSS_SMTP_ADDRESS", "mail"),
        ("BOSS_SMTP_SECURITY", "ssl"),
        ("BOSS_SMTP_QUERY_URL", "http://mail/search"),
        ("BOSS_SMTP_QUERY_URL", "file:///etc/passwd?{message_id}"),
        ("BOSS_WEBHOOK_SECRETS", "secret"),
        ("BOSS_SANDBOX_FOLDER", "/sandbox"),
    ],
)
def test_a_setting_that_cant_work_is_named(tokens: "TokenMaker", variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        NotificationsSettings.from_environ(environ(tokens, **{variable: value}))
    expected = "BOSS_NOTIFICATIONS_ADDRESS" if variable == "BOSS_SANDBOX_FOLDER" else variable
    assert [expected in problem for problem in caught.value.problems] == [True]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {}),
        ({"BOSS_SMTP_ADDRESS": "mail:25"}, {"Email": Certainty.NEITHER}),
        (
            {"BOSS_SMTP_ADDRESS": "mail:25", "BOSS_SMTP_QUERY_URL": "http://mail/?{message_id}"},
            {"Email": Certainty.QUERYABLE},
        ),
        (
            {"BOSS_SANDBOX_FOLDER": "/sandbox", "BOSS_NOTIFICATIONS_ADDRESS": "notifications:50051"},
            {"Letter": Certainty.IDEMPOTENT, "Phone": Certainty.IDEMPOTENT},
        ),
    ],
)
def test_not_2_providers_follow_from_the_settings(
    tokens: "TokenMaker", values: dict[str, str], found: dict[str, Certainty]
) -> None:
    settings = NotificationsSettings.from_environ(environ(tokens, **values))
    house = SERVICE.open(settings, pool_size=1)
    assert {provider.channel: provider.certainty for provider in providers(house)} == found
    house.close()
    names = [job.name for job in jobs(settings)]
    assert ("sandbox-responses" in names) is ("BOSS_SANDBOX_FOLDER" in values)
