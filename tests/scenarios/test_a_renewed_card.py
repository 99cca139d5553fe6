"""Cards that expire before a bill day are renewed ahead of it, so their first attempt goes through (SPEC BIL-4)."""

import datetime
from pathlib import Path

from boss.billing.v1 import ledger_service_pb2 as ledger

from boss_cli import timeline
from boss_demo import installation
from boss_demo.chance import request_id
from boss_kit.ids import derived_id
from tests.scenarios.conftest import CLUB, Town

BILL_DAY = datetime.date(2026, 1, 5)
UNIT = f"{installation.ENTERPRISE}/businessUnits/{derived_id(installation.ENTERPRISE_ID, 'business-unit', CLUB)}"
MEMBERS = [f"S{number:06}" for number in range(1, 9)]
ANSWERS: list[tuple[str, int, str]] = []
"""The simulator decides by itself: a card out of date is declined as expired."""


def test_bil_4_what_the_updater_renewed_before_the_bill_day_needs_no_retry(town: Town, tmp_path: Path) -> None:
    settings = ledger.BillingSettings(
        business_unit=UNIT, card_updater=True, rebill_after_days=7, rebill_attempts_max=3, card_updater_days_before=3
    )
    town.everything.clients.billing.ledger.UpdateBillingSettings(
        ledger.UpdateBillingSettingsRequest(billing_settings=settings, request_id=request_id("renewed card"))
    )
    members = [
        {
            "external_id": number,
            "first_name": f"Member {number}",
            "email": f"{number}@example.com",
            "token": f"tok_{number[1:]:0>16}",
            "exp_month": "12",
            "exp_year": "2025",
        }
        for number in MEMBERS
    ]
    report = town.take(members, tmp_path)
    assert report.imported == len(MEMBERS)
    town.play_until(BILL_DAY)
    renewed, others = [], []
    for number in MEMBERS:
        story = timeline.collect(town.everything.clients, town.account(number)).entries
        before = [entry.text for entry in story if entry.business_date < BILL_DAY]
        on_the_day = [entry.text for entry in story if entry.business_date == BILL_DAY and entry.kind == "payment"]
        is_renewed = any("was renewed by the card updater" in text for text in before)
        (renewed if is_renewed else others).append((number, on_the_day))
    assert len(renewed) >= 2
    for number, texts in renewed:
        assert any("was approved" in text for text in texts), (number, texts)
        assert not any("D16" in text or "Retry" in text for text in texts), (number, texts)
    # Who wasn't renewed ahead is declined as before, and asked about again.
    for number, texts in others:
        assert any("D16" in text for text in texts), (number, texts)
