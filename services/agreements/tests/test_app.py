"""The service put together: its API, its job and what it publishes again."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from agreements_club import ENTERPRISE_ID, Club, record
from boss.agreements.v1 import agreement_service_pb2 as agreements_pb

from boss_agreements import app
from boss_agreements.jobs import JOBS
from boss_agreements.settings import AgreementsSettings
from boss_kit import schema
from boss_kit.context import Context
from boss_kit.jobs import enqueue_job
from boss_kit.settings import StartError
from boss_kit.testing.waiting import eventually


@pytest.fixture
def settings(engine: sa.Engine, tokens: Any) -> AgreementsSettings:
    """Give settings for the tests' own database."""
    return AgreementsSettings.from_environ(
        {
            "DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "BOSS_BILLING_ADDRESS": "localhost:2",
            "BOSS_JWKS": str(tokens.jwks),
            "BOSS_SERVICE_KEY": str(tokens.service_key("agreements")),
            "BOSS_GRPC_ADDRESS": "127.0.0.1:0",
            "BOSS_TEST_CLOCK": "on",
            "BOSS_CONSUMERS": "agreements",
        }
    )


def test_a_folder_of_fonts_that_isnt_there_is_named(settings: AgreementsSettings, tmp_path: Path) -> None:
    assert replace(settings, document_fonts=tmp_path).problems() == []
    missing = tmp_path / "fonts"
    assert replace(settings, document_fonts=missing).problems() == [
        f"BOSS_DOCUMENT_FONTS names {missing}, but there is no such folder."
    ]


def test_every_state_can_be_published_again_with_the_version_it_has(club: Club, settings: AgreementsSettings) -> None:
    club.import_records(*[record(number, external_id=f"M{number}") for number in range(3)])
    before = {event.subject: (event.version, event.data) for event, _ in club.facts()}
    assert [app.republish(settings, noun) for noun in app.NOUNS] == [1, 3, 3]
    again = {event.subject: (event.version, event.data) for event, _ in club.facts()}
    assert again.items() >= before.items()
    with pytest.raises(StartError, match="units, members, agreements"):
        app.republish(settings, "invoices")


def test_the_api_starts_with_a_permission_on_every_method(settings: AgreementsSettings, club: Club) -> None:
    serving = app.serve(settings)
    serving.start()
    try:
        assert serving.port > 0
    finally:
        serving.stop()


def test_the_job_of_a_day_freezes_what_begins_and_is_done_once(club: Club, settings: AgreementsSettings) -> None:
    club.import_records(record(1, freeze_from="2026-01-05"))
    club.set_clock("2026-01-05")
    for _ in range(2):
        with club.units.begin(Context(ENTERPRISE_ID)) as tx:
            enqueue_job(tx, JOBS[0], ENTERPRISE_ID, date(2026, 1, 5))

    def done() -> bool:
        with club.units.engine.connect() as connection:
            return connection.scalars(sa.select(schema.task.c.state)).all() == ["done"]

    running = app.run(settings)
    running.start()
    try:
        assert eventually(done)
    finally:
        running.stop()
    agreement = club.agreements.GetAgreement(agreements_pb.GetAgreementRequest(name=club.agreement_name()))
    assert agreement.status == "Freeze"
