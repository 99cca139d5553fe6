"""Renewals: another term where the agreement rules allow it (SPEC AGR-9, AGR-6)."""

from typing import Any

import pytest
from agreements_billing import bill, item, sell
from agreements_catalogue import RULES
from agreements_club import ENTERPRISE_ID, Club
from agreements_rewrites import Desk, amounts, link, open_desk

from boss_kit.ids import derived_id


@pytest.fixture
def desk(club: Club) -> Desk:
    return open_desk(club)


def renewable(desk: Desk, before: int = 30, after: int = 10) -> Any:
    limits = desk.catalogue.create(
        RULES(display_name="Renewable", renewal_before_days=before, renewal_after_days=after)
    )
    return desk.catalogue.membership(agreement_rules=limits.name)


def test_agr_9_a_renewal_adds_a_term_where_the_rules_allow_it(desk: Desk) -> None:
    definition = renewable(desk)
    year = sell(
        desk.club,
        item(1, 3000, "2026-04-01", months=3),
        start="2026-04-01",
        term="fixed_3",
        definition_id=definition.name.rpartition("/")[2],
    )
    link(desk, definition, desk.reason)
    bill(desk.club, "2026-05-15")
    made = desk.rewrite(year, purpose="renewal")
    assert made.after.lines[0].remaining_cycles == 4, "the last one of the old term, and three"
    assert [
        one
        for text in ("2026-06-15", "2026-07-15", "2026-08-15", "2026-09-15", "2026-10-15")
        for one in amounts(desk.club, text)
    ] == [
        ("2026-06-01", 3000),
        ("2026-07-01", 3000),
        ("2026-08-01", 3000),
        ("2026-09-01", 3000),
    ]


def test_agr_9_a_renewal_too_early_or_without_rules_or_term_is_refused(desk: Desk) -> None:
    definition = renewable(desk, before=5)
    link(desk, definition, desk.reason)
    long = sell(
        desk.club,
        item(1, 3000, "2026-06-01", months=12),
        start="2026-06-01",
        term="fixed_12",
        definition_id=definition.name.rpartition("/")[2],
    )
    assert desk.refused(long, purpose="renewal").reason == "OUTSIDE_AGREEMENT_RULES"
    imported = sell(
        desk.club, item(1, 3000, "2026-04-01", months=3, owner="i"), start="2026-04-01", term="fixed_3", owner="i"
    )
    assert desk.refused(imported, purpose="renewal").reason == "NOT_RENEWABLE"
    perpetual = sell(desk.club, item(1, 3000, "2026-04-01", owner="p"), start="2026-04-01", owner="p")
    assert desk.refused(perpetual, purpose="renewal").reason == "NOT_RENEWABLE"


def test_agr_9_an_expired_agreement_is_renewed_within_its_days_from_today(desk: Desk) -> None:
    definition = renewable(desk)
    link(desk, definition, desk.reason)
    year = sell(
        desk.club,
        item(1, 9000, "2026-03-05", months=3, billing="paid_in_full"),
        start="2026-03-05",
        term="fixed_3",
        definition_id=definition.name.rpartition("/")[2],
    )
    bill(desk.club, "2026-06-01")
    desk.club.run_day("2026-06-10")
    assert desk.get(year).status == "Expired"
    desk.rewrite(year, purpose="renewal")
    assert amounts(desk.club, "2026-06-10") == [("2026-06-10", 9000)]
    assert desk.get(year).status == "Expired"


def test_agr_6_an_expired_add_on_is_renewed_after_its_primary_and_hangs_on_its_new_number(desk: Desk) -> None:
    definition = renewable(desk)
    link(desk, definition, desk.reason)
    head, add_on = (
        sell(
            desk.club,
            item(1, 9000, "2026-03-05", months=3, billing="paid_in_full", owner=owner),
            start="2026-03-05",
            term="fixed_3",
            owner=owner,
            definition_id=definition.name.rpartition("/")[2],
            **values,
        )
        for owner, values in (
            ("head", {}),
            ("add-on", {"role": "Add-on", "primary_agreement_id": derived_id(ENTERPRISE_ID, "head")}),
        )
    )
    bill(desk.club, "2026-06-01")
    desk.club.run_day("2026-06-10")
    assert desk.refused(add_on, purpose="renewal").reason == "PRIMARY_NOT_LIVE"
    renewed = desk.rewrite(head, purpose="renewal").after
    assert desk.rewrite(add_on, purpose="renewal").after.primary_agreement == renewed.name
