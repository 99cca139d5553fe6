"""What definitions and sales refer to: agreement rules, groups, promotions, templates (SPEC AGR-1)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_catalogue import (
    GROUP,
    PROMOTION,
    RULES,
    Catalogue,
)
from agreements_club import ENTERPRISE, ENTERPRISE_ID, Club, day

from boss_agreements.agreement_rules import rules as agreement_rules
from boss_agreements.agreement_rules.queries import rules_of
from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.catalogue.rules import Head
from boss_agreements.groups.rules import CORPORATE, AgreementGroup, check_add_on
from boss_agreements.promotions.rules import Promotion, check_usable, promoted_price
from boss_agreements.templates.queries import get_template
from boss_agreements.templates.rules import fill
from boss_kit.context import Context
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound

TODAY = date(2026, 1, 1)
HEAD = vars(Head(UUID(int=1), UUID(int=2), None, 1, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
def catalogue(club: Club) -> Catalogue:
    return Catalogue(club)


def ids_of(*entries: Any) -> list[UUID]:
    return [UUID(one.name.rpartition("/")[2]) for one in entries]


def rules(**values: int) -> AgreementRules:
    return AgreementRules(**HEAD, name="Usual", **values)


@pytest.mark.parametrize(
    ("limits", "check", "days", "refused"),
    [
        ({"sale_past_days": 3}, agreement_rules.check_sale, -3, False),
        ({"sale_past_days": 3}, agreement_rules.check_sale, -4, True),
        ({"sale_future_days": 30}, agreement_rules.check_sale, 30, False),
        ({"sale_future_days": 30}, agreement_rules.check_sale, 31, True),
        ({}, agreement_rules.check_sale, 5000, False),
        ({"cancellation_past_days": 0}, agreement_rules.check_cancellation, 0, False),
        ({"cancellation_past_days": 0}, agreement_rules.check_cancellation, -1, True),
        ({"cancellation_future_days": 60}, agreement_rules.check_cancellation, 61, True),
        ({"renewal_before_days": 30}, agreement_rules.check_renewal, 30, False),
        ({"renewal_before_days": 30}, agreement_rules.check_renewal, 31, True),
        ({"renewal_after_days": 10}, agreement_rules.check_renewal, -10, False),
        ({"renewal_after_days": 10}, agreement_rules.check_renewal, -11, True),
    ],
)
def test_agr_1_agreement_rules_limit_the_days_of_sale_cancellation_and_renewal(
    limits: dict[str, int], check: Any, days: int, refused: bool
) -> None:
    asked = date.fromordinal(TODAY.toordinal() + days)
    if not refused:
        check(rules(**limits), asked, TODAY)
        return
    with pytest.raises(FailedPrecondition, match="agreement rules 'Usual'") as error:
        check(rules(**limits), asked, TODAY)
    assert error.value.reason == "OUTSIDE_AGREEMENT_RULES"


@pytest.mark.parametrize(
    ("limits", "start", "end", "field"),
    [
        ({"suspension_future_days": 30}, date(2026, 1, 31), None, None),
        ({"suspension_future_days": 30}, date(2026, 2, 1), None, "start_date"),
        ({"suspension_days_max": 14}, date(2026, 1, 1), date(2026, 1, 15), None),
        ({"suspension_days_max": 14}, date(2026, 1, 1), date(2026, 1, 16), "end_date"),
        ({"suspension_days_max": 14}, date(2026, 1, 1), None, "end_date"),
    ],
)
def test_agr_1_agreement_rules_limit_the_days_of_suspensions(
    limits: dict[str, int], start: date, end: date | None, field: str | None
) -> None:
    if field is None:
        agreement_rules.check_suspension(rules(**limits), start, end, TODAY)
        return
    with pytest.raises(FailedPrecondition) as refused:
        agreement_rules.check_suspension(rules(**limits), start, end, TODAY)
    assert refused.value.metadata["field"] == field


def test_agr_1_without_linked_rules_an_agreement_is_not_renewable_and_has_no_limits(catalogue: Catalogue) -> None:
    with pytest.raises(FailedPrecondition, match="none are linked") as refused:
        agreement_rules.check_renewal(None, TODAY, TODAY)
    assert refused.value.reason == "NOT_RENEWABLE"
    agreement_rules.check_sale(None, date(2030, 1, 1), TODAY)
    agreement_rules.check_cancellation(None, date(2030, 1, 1), TODAY)
    agreement_rules.check_suspension(None, date(2030, 1, 1), None, TODAY)
    linked = catalogue.create(RULES(display_name="Usual", renewal_before_days=0, sale_past_days=3))
    assert catalogue.get("AgreementRules", linked.name).HasField("renewal_before_days")
    assert not catalogue.get("AgreementRules", linked.name).HasField("renewal_after_days")
    plain = catalogue.membership()
    ruled = catalogue.update(plain, agreement_rules=linked.name)
    unit_id = UUID(catalogue.club.unit.rpartition("/")[2])
    with catalogue.club.units.read(Context(ENTERPRISE_ID)) as tx:
        found = rules_of(tx, ENTERPRISE_ID, unit_id, ids_of(ruled)[0])
        assert found is not None
        assert (found.renewal_before_days, found.sale_past_days, found.renewal_after_days) == (0, 3, None)
        assert rules_of(tx, ENTERPRISE_ID, unit_id, None) is None


def test_agr_1_groups_are_individual_family_or_corporate_with_a_policy_for_add_ons(catalogue: Catalogue) -> None:
    made = catalogue.create(
        GROUP(
            display_name="Acme",
            type="Corporate",
            add_ons_allowed=True,
            add_ons_max=2,
            on_suspension="follow",
            on_expiry="stay",
            on_batch_cancel="follow",
            payer="shared",
            primary_percent=80,
        )
    )
    assert catalogue.get("AgreementGroup", made.name) == made
    assert (made.on_suspension, made.on_expiry, made.payer, made.primary_percent) == ("follow", "stay", "shared", 80)
    for values, field in (
        ({"type": "Tribe"}, "type"),
        ({"type": "Individual", "add_ons_allowed": True}, "add_ons_allowed"),
        ({"type": "Family", "on_expiry": "vanish"}, "on_expiry"),
        ({"type": "Family", "payer": "nobody"}, "payer"),
    ):
        with pytest.raises(InvalidArgument, match=f"agreement_group.{field}"):
            catalogue.create(GROUP(display_name="Odd", **values))


def test_agr_6_a_group_says_how_many_add_ons_there_may_be() -> None:
    group = AgreementGroup(**HEAD, name="Acme", type=CORPORATE, add_ons_allowed=True, add_ons_max=2)
    check_add_on(group, 1)
    check_add_on(replace(group, add_ons_max=None), 500)
    with pytest.raises(FailedPrecondition, match="allows 2"):
        check_add_on(group, 2)
    with pytest.raises(FailedPrecondition, match="has no add-ons"):
        check_add_on(replace(group, add_ons_allowed=False), 0)


def promotion(**values: Any) -> Promotion:
    return Promotion(**HEAD, name="Spring", **({"start_date": TODAY, "kind": "percent"} | values))


@pytest.mark.parametrize(
    ("values", "price", "expected"),
    [
        ({"percent": Decimal(50)}, 3500, 1750),
        ({"percent": Decimal("33.3333")}, 100, 67),
        ({"percent": Decimal(50)}, 1, 1),
        ({"percent": Decimal(100)}, 3500, 0),
        ({"kind": "amount", "amount_minor": 1000}, 3500, 2500),
        ({"kind": "amount", "amount_minor": 5000}, 3500, 0),
        ({"kind": "price", "amount_minor": 2000}, 3500, 2000),
        ({"kind": "price", "amount_minor": 9900}, 3500, 3500),
    ],
)
def test_agr_1_a_promotion_makes_a_price_better_rounded_once(values: dict[str, Any], price: int, expected: int) -> None:
    assert promoted_price(promotion(**values), price) == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"end_date": date(2026, 1, 1)}, None),
        ({"start_date": date(2026, 1, 2)}, "PROMOTION_NOT_RUNNING"),
        ({"start_date": date(2025, 1, 1), "end_date": date(2025, 12, 31)}, "PROMOTION_NOT_RUNNING"),
        ({"active": False}, "PROMOTION_NOT_RUNNING"),
        ({"definition_ids": (UUID(int=9),)}, "PROMOTION_FOR_OTHERS"),
        ({"code": "SPRING"}, "PROMOTION_CODE"),
    ],
)
def test_agr_1_a_promotion_is_used_in_its_time_for_its_agreements_with_its_code(
    values: dict[str, Any], reason: str | None
) -> None:
    if reason is None:
        check_usable(promotion(**values), UUID(int=8), "", TODAY)
        return
    with pytest.raises(FailedPrecondition) as refused:
        check_usable(promotion(**values), UUID(int=8), "other", TODAY)
    assert (refused.value.reason, refused.value.metadata["field"]) == (reason, "promotion")


def test_agr_1_every_field_of_a_promotion_is_kept(catalogue: Catalogue) -> None:
    item, definition = catalogue.item("Towels", kind="rental"), catalogue.membership()
    made = catalogue.create(
        PROMOTION(
            display_name="Spring",
            start_date=day("2026-03-01"),
            end_date=day("2026-03-31"),
            kind="percent",
            percent="12.5",
            items=[item.name],
            definitions=[definition.name],
            code="SPRING",
        )
    )
    assert catalogue.get("Promotion", made.name) == made
    assert (list(made.items), list(made.definitions), made.code) == ([item.name], [definition.name], "SPRING")
    for values, field in (
        ({"kind": "gift"}, "kind"),
        ({"percent": "0"}, "percent"),
        ({"kind": "amount", "percent": ""}, "amount_minor"),
        ({"end_date": day("2026-02-01")}, "end_date"),
        ({"items": [f"{ENTERPRISE}/items/{uuid4()}"]}, "items"),
    ):
        with pytest.raises(InvalidArgument, match=f"promotion.{field}"):
            catalogue.update(made, **values)


def test_agr_1_a_templates_placeholders_are_checked_when_it_is_saved(catalogue: Catalogue) -> None:
    made = catalogue.template(body="# Terms\n\n{{ member_name }} pays {{ recurring_amount }}.", signature_text="Signed")
    assert catalogue.get("Template", made.name) == made
    for body, words in (("{{ shoe_size }}", "shoe_size"), ("{{ member_name", "line 1"), ("{{ today / 0 }}", "filled")):
        with pytest.raises(InvalidArgument, match=rf"template\.body.*{words}"):
            catalogue.template("Odd", body=body)
    assert fill("{{ member_name }} agrees.", {"member_name": "Ana"}) == "Ana agrees."


def test_agr_1_a_change_of_a_template_keeps_the_version_agreements_were_sold_with(catalogue: Catalogue) -> None:
    first = catalogue.template(body="Old terms")
    catalogue.update(first, body="New terms")
    (template_id,) = ids_of(first)
    unit_id = UUID(catalogue.club.unit.rpartition("/")[2])
    with catalogue.club.units.read(Context(ENTERPRISE_ID)) as tx:
        assert get_template(tx, ENTERPRISE_ID, unit_id, template_id).body == "New terms"
        assert get_template(tx, ENTERPRISE_ID, unit_id, template_id, version=1).body == "Old terms"
        assert get_template(tx, ENTERPRISE_ID, unit_id, template_id, version=2).body == "New terms"
        with pytest.raises(NotFound, match="version 3"):
            get_template(tx, ENTERPRISE_ID, unit_id, template_id, version=3)
