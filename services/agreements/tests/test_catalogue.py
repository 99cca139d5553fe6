"""The catalogue: what can be made of items, bundles and definitions, and what is refused (SPEC AGR-1)."""

from typing import Any
from uuid import uuid4

import pytest
from agreements_catalogue import (
    CLASSIFICATION,
    DEFINITION,
    LINE,
    PART,
    PROMOTION,
    RULES,
    SHARED,
    TAX,
    Catalogue,
)
from agreements_club import ENTERPRISE, Club, cents, day, usd
from boss.agreements.v1 import definition_service_pb2 as definitions_pb
from boss.agreements.v1 import item_service_pb2 as items_pb
from google.type import money_pb2

from boss_kit.errors import Aborted, AlreadyExists, BossError, InvalidArgument, PermissionDenied


@pytest.fixture
def catalogue(club: Club) -> Catalogue:
    return Catalogue(club)


def test_agr_1_every_field_of_an_item_is_kept(catalogue: Catalogue) -> None:
    made = catalogue.item(
        "10 sessions",
        description="Personal training",
        kind="service",
        basis="unit",
        units=10,
        validity_days=90,
        term_months=12,
        price=usd(10000),
        taxes=["State sales tax", "City tax"],
        category="Training",
    )
    assert catalogue.get("Item", made.name) == made
    assert (made.kind, made.basis, made.units, made.validity_days, made.term_months) == ("service", "unit", 10, 90, 12)
    assert (cents(made.price), list(made.taxes), made.category) == (10000, ["State sales tax", "City tax"], "Training")


@pytest.mark.parametrize("kind", ["access", "service", "product", "rental", "fee"])
def test_agr_1_an_item_is_access_service_product_rental_or_fee(catalogue: Catalogue, kind: str) -> None:
    made = catalogue.item(kind.title(), kind=kind)
    assert (made.kind, made.basis) == (kind, "time")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "gift"}, "item.kind"),
        ({"basis": "kilo"}, "item.basis"),
        ({"basis": "unit"}, "item.units"),
        ({"units": 10}, "item.units"),
        ({"kind": "fee", "basis": "unit", "units": 1}, "item.basis"),
        ({"kind": "product", "term_months": 12}, "item.term_months"),
        ({"price": usd(-100)}, "item.price"),
        ({"price": money_pb2.Money(currency_code="EUR", units=35)}, "item.price"),
        ({"category": " "}, "item.category"),
        ({"price": usd(10**12 + 100)}, "item.price"),
        ({"basis": "unit", "units": 100_001}, "item.units"),
        ({"validity_days": 3651}, "item.validity_days"),
    ],
)
def test_agr_1_an_item_that_cannot_be_is_refused_with_its_field(
    catalogue: Catalogue, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        catalogue.item(**values)
    assert [one.field for one in refused.value.violations] == [field]


def test_agr_1_a_bundle_needs_a_key_item(catalogue: Catalogue) -> None:
    access, towel = catalogue.item(), catalogue.item("Towels", kind="rental")
    with pytest.raises(InvalidArgument, match="at least one Key Item") as refused:
        catalogue.bundle(access, lines=[LINE(item=access.name), LINE(item=towel.name)])
    assert (refused.value.reason, refused.value.violations[0].field) == ("KEY_ITEM_MISSING", "bundle.lines")
    made = catalogue.bundle(access, lines=[LINE(item=access.name, is_key_item=True), LINE(item=towel.name, quantity=2)])
    assert [(line.item, line.quantity, line.is_key_item) for line in made.lines] == [
        (access.name, 1, True),
        (towel.name, 2, False),
    ]
    with pytest.raises(InvalidArgument, match="at least one Key Item"):
        catalogue.update(made, lines=[LINE(item=towel.name)])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"billing": "sometimes"}, "bundle.billing"),
        ({"billing": "instalment"}, "bundle.billing"),
        ({"schedule": "hourly"}, "bundle.schedule"),
        ({"obligation_months": 601}, "bundle.obligation_months"),
    ],
)
def test_agr_1_a_bundle_that_cannot_be_is_refused_with_its_field(
    catalogue: Catalogue, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        catalogue.bundle(catalogue.item(), **values)
    assert [one.field for one in refused.value.violations] == [field]


def test_agr_1_a_bundles_lines_are_known_items_once_and_fees_are_no_key_items(catalogue: Catalogue) -> None:
    access, fee = catalogue.item(), catalogue.item("Fee", kind="fee")
    key = LINE(item=access.name, is_key_item=True)
    for line, field in (
        (LINE(item=f"{catalogue.club.unit}/items/{uuid4()}"), "bundle.lines[1].item"),
        (LINE(item=fee.name, quantity=1001), "bundle.lines[1].quantity"),
        (LINE(item=fee.name, is_key_item=True), "bundle.lines[1].is_key_item"),
        (LINE(item=fee.name, schedule="hourly"), "bundle.lines[1].schedule"),
        (key, "bundle.lines"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            catalogue.bundle(access, lines=[key, line])
        assert refused.value.violations[0].field == field


def test_agr_1_every_field_of_a_definition_is_kept(catalogue: Catalogue) -> None:
    bundle, towel = catalogue.bundle(catalogue.item()), catalogue.item("Towels", kind="rental")
    rules = catalogue.create(RULES(display_name="Usual", renewal_before_days=30))
    classification = catalogue.create(CLASSIFICATION(display_name="Full access"))
    made = catalogue.definition(
        PART(bundle=bundle.name, required="Select One"),
        PART(item=towel.name, required="Optional", billing="perpetual", schedule="monthly_on_1", obligation_months=3),
        display_name="Gold Monthly",
        description="All clubs, all hours",
        classification=classification.name,
        start_date=day("2026-01-01"),
        end_date=day("2026-12-31"),
        inactive=True,
        owner_qualifies_as_member=True,
        barcode_required=True,
        online_only=True,
        manual_funding_source_allowed=True,
        qualified_members_only=True,
        tag="Corporation",
        agreement_rules=rules.name,
    )
    assert catalogue.get("Definition", made.name) == made
    assert (made.classification, made.agreement_rules, made.tag) == (classification.name, rules.name, "Corporation")
    assert (made.inactive, made.owner_qualifies_as_member, made.barcode_required) == (True, True, True)
    assert (made.online_only, made.manual_funding_source_allowed, made.qualified_members_only) == (True, True, True)
    assert [(one.bundle, one.item, one.required) for one in made.parts] == [
        (bundle.name, "", "Select One"),
        ("", towel.name, "Optional"),
    ]
    assert (made.parts[1].billing, made.parts[1].schedule, made.parts[1].obligation_months) == (
        "perpetual",
        "monthly_on_1",
        3,
    )


def test_agr_1_select_one_is_for_bundles_of_memberships_and_one_or_more_for_service_agreements(
    catalogue: Catalogue,
) -> None:
    access = catalogue.item()
    bundle = catalogue.bundle(access)
    for part, values in (
        (PART(bundle=bundle.name, required="One or More"), {}),
        (PART(item=access.name, required="Select One"), {}),
        (PART(bundle=bundle.name, required="Select One"), {"agreement_type": "Service"}),
    ):
        with pytest.raises(InvalidArgument) as refused:
            catalogue.definition(part, **values)
        assert refused.value.reason == "REQUIRED_STATUS"
        assert refused.value.violations[0].field == "definition.parts[0].required"
    assert catalogue.definition(PART(item=access.name, required="One or More"), agreement_type="Service").name


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"agreement_type": "Rental"}, "definition.agreement_type"),
        ({"end_date": day("2025-12-31")}, "definition.end_date"),
        ({"classification": f"{ENTERPRISE}/classifications/{uuid4()}"}, "definition.classification"),
        ({"agreement_rules": f"{ENTERPRISE}/agreementRules/{uuid4()}"}, "definition.agreement_rules"),
        ({"parts": [PART()]}, "definition.parts[0]"),
        ({"parts": [PART(item=f"{ENTERPRISE}/items/{uuid4()}")]}, "definition.parts[0].item"),
        ({"parts": [PART(bundle=f"{ENTERPRISE}/bundles/{uuid4()}")]}, "definition.parts[0].bundle"),
        ({"parts": [PART(bundle=f"{ENTERPRISE}/bundles/1", billing="once")]}, "definition.parts[0].billing"),
        ({"parts": [PART(bundle=f"{ENTERPRISE}/bundles/1", schedule="weekly")]}, "definition.parts[0].schedule"),
        ({"start_date": None}, "definition.start_date"),
    ],
)
def test_agr_1_a_definition_that_cannot_be_is_refused_with_its_field(
    catalogue: Catalogue, values: dict[str, Any], field: str
) -> None:
    usual = {"display_name": "Odd", "agreement_type": "Membership", "start_date": day("2026-01-01")}
    with pytest.raises(InvalidArgument, match=field.replace("[", r"\[").replace("]", r"\]")):
        catalogue.create(DEFINITION(**(usual | values)))


def test_agr_1_agreements_are_searched_and_added_to_a_bundle_from_its_setup(catalogue: Catalogue) -> None:
    bundle, spa = catalogue.bundle(catalogue.item()), catalogue.bundle(catalogue.item("Spa"), "Spa")
    classification = catalogue.create(CLASSIFICATION(display_name="Full access"))
    names = ("Gold 100% Club", "Gold Service", "Silver")
    gold, service, silver = (
        catalogue.definition(
            display_name=name,
            agreement_type="Service" if name == "Gold Service" else "Membership",
            classification=classification.name if name == "Silver" else "",
        )
        for name in names
    )

    def found(**criteria: str) -> list[str]:
        request = definitions_pb.ListDefinitionsRequest(parent=catalogue.club.unit, **criteria)
        return [one.display_name for one in catalogue.stub("Definition").ListDefinitions(request).definitions]

    def add(*definitions: Any, to: Any = bundle, required: str = "") -> Any:
        request = definitions_pb.AddBundleToDefinitionsRequest(
            bundle=to.name,
            definitions=[one.name for one in definitions],
            required=required,
            request_id=str(uuid4()),
        )
        return catalogue.stub("Definition").AddBundleToDefinitions(request).definitions

    assert found() == list(names)
    assert found(display_name="gOLD") == list(names[:2])
    assert found(display_name="0% c") == ["Gold 100% Club"], "a percent sign is a percent sign"
    assert found(display_name="gold", agreement_type="Service") == ["Gold Service"]
    assert found(classification=classification.name) == ["Silver"]
    with pytest.raises(InvalidArgument, match="agreement_type"):
        found(agreement_type="Gift")
    changed = add(silver, gold, required="Select One")
    assert [one.display_name for one in changed] == ["Silver", "Gold 100% Club"], "in the order asked for"
    assert [(part.bundle, part.required) for one in changed for part in one.parts] == [(bundle.name, "Select One")] * 2
    assert found(bundle=bundle.name) == ["Gold 100% Club", "Silver"]
    assert found(bundle=spa.name) == []
    add(service, gold, to=spa)
    kept = catalogue.get("Definition", gold.name)
    assert [(part.bundle, part.required) for part in kept.parts] == [
        (bundle.name, "Select One"),
        (spa.name, "Optional"),
    ]
    assert add(gold, to=spa)[0] == kept, "what is there already doesn't change"
    with pytest.raises(Aborted):
        catalogue.update(gold, description="from what was read before")


def test_agr_1_a_bundle_is_added_to_all_agreements_asked_for_or_to_none(catalogue: Catalogue) -> None:
    bundle = catalogue.bundle(catalogue.item())
    shared = catalogue.bundle(catalogue.item(parent=SHARED), parent=SHARED)
    membership = catalogue.definition(display_name="Membership")
    service = catalogue.definition(display_name="Service", agreement_type="Service")
    of_all = catalogue.definition(display_name="Of all", parent=SHARED)
    nobody = f"{catalogue.club.unit}/definitions/{uuid4()}"
    as_unit = of_all.name.replace(SHARED, catalogue.club.unit)
    for to, others, required, expected in (
        (bundle, [service.name], "Select One", ("INVALID_ARGUMENT", "'Select One' is for bundles of Membership")),
        (bundle, [service.name], "Often", ("INVALID_ARGUMENT", "required: 'Often' is none of")),
        (bundle, [nobody], "", ("NOT_FOUND", "There is no definition")),
        (bundle, [as_unit], "", ("FAILED_PRECONDITION", "belongs to the enterprise")),
        (bundle, [of_all.name], "", ("INVALID_ARGUMENT", "doesn't see the bundle")),
        (shared, [nobody], "", ("NOT_FOUND", "There is no definition")),
    ):
        request = definitions_pb.AddBundleToDefinitionsRequest(
            bundle=to.name, definitions=[membership.name, *others], required=required, request_id=str(uuid4())
        )
        with pytest.raises(BossError, match=expected[1]) as refused:
            catalogue.stub("Definition").AddBundleToDefinitions(request)
        assert refused.value.code == expected[0]
        assert catalogue.get("Definition", membership.name) == membership, "nothing is half done"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "gift"}, "promotion.kind"),
        ({"kind": "percent"}, "promotion.percent"),
        ({"kind": "percent", "percent": "0"}, "promotion.percent"),
        ({"kind": "percent", "percent": "10", "amount_minor": 5}, "promotion.amount_minor"),
        ({"kind": "amount"}, "promotion.amount_minor"),
        ({"kind": "amount", "amount_minor": 500, "percent": "10"}, "promotion.percent"),
        ({"kind": "price", "amount_minor": 10**12 + 1}, "promotion.amount_minor"),
        ({"kind": "price", "end_date": day("2025-12-31")}, "promotion.end_date"),
    ],
)
def test_agr_1_a_promotion_that_cannot_be_is_refused_with_its_field(
    catalogue: Catalogue, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        catalogue.create(PROMOTION(display_name="Odd", start_date=day("2026-01-01"), **values))
    assert [one.field for one in refused.value.violations] == [field]


def test_entries_are_listed_by_name_in_pages_with_the_enterprises_and_without_inactive_ones(
    catalogue: Catalogue,
) -> None:
    for name in ("C", "A"):
        catalogue.item(name)
    catalogue.item("B", parent=SHARED)
    catalogue.item("D", inactive=True)
    stub, unit = catalogue.stub("Item"), catalogue.club.unit
    request: Any = {"parent": unit, "page_size": 2}

    def listed(**values: Any) -> Any:
        return stub.ListItems(items_pb.ListItemsRequest(**(request | values)))

    first = listed()
    assert [one.display_name for one in first.items] == ["A", "B"]
    second = listed(page_token=first.next_page_token)
    assert ([one.display_name for one in second.items], second.next_page_token) == (["C"], "")
    assert [one.display_name for one in listed(show_inactive=True, page_size=9).items] == ["A", "B", "C", "D"]
    assert [one.display_name for one in listed(parent=SHARED).items] == ["B"]
    with pytest.raises(InvalidArgument, match="page_token"):
        listed(page_token=first.next_page_token, show_inactive=True)


def test_a_units_manager_makes_its_own_entries_and_none_of_the_enterprise(catalogue: Catalogue) -> None:
    club = catalogue.club
    mine = Catalogue(club, club.tokens.token("anna", ["club_manager"], [club.unit]))
    desk = Catalogue(club, club.tokens.token("tom", ["front_desk"], [club.unit]))
    definition = mine.membership()
    mine.apply(definition)
    assert [one.definition for one in desk.sellable()] == [definition.name]
    with pytest.raises(PermissionDenied):
        mine.item("Theirs", parent=SHARED)
    with pytest.raises(PermissionDenied):
        desk.item("Mine")
    with pytest.raises(BossError, match="card number"):
        mine.item("4111 1111 1111 1111")


def test_all_3_an_entry_asked_for_twice_with_one_request_id_is_made_once(catalogue: Catalogue) -> None:
    request_id, tax = str(uuid4()), TAX(display_name="Sales tax", percent="8")
    assert catalogue.create(tax, request_id=request_id) == catalogue.create(tax, request_id=request_id)
    with pytest.raises(AlreadyExists) as refused:
        catalogue.create(tax)
    assert (refused.value.reason, refused.value.metadata["field"]) == ("TAX_EXISTS", "display_name")
