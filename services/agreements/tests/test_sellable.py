"""What a unit can sell, and what is refused with rule and field (SPEC AGR-1)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from agreements_catalogue import (
    ITEM,
    PART,
    SHARED,
    TAX,
    TEMPLATE,
    Catalogue,
)
from agreements_club import ENTERPRISE, ENTERPRISE_ID, Club, add_unit, cents, day, usd
from boss.agreements.v1 import definition_service_pb2 as definitions_pb
from boss.agreements.v1 import item_service_pb2 as items_pb
from google.type import money_pb2

from boss_agreements.catalogue.rules import Head
from boss_agreements.definitions import queries
from boss_agreements.definitions import rules as definitions
from boss_kit.context import Context
from boss_kit.errors import FailedPrecondition, InvalidArgument, NotFound

TODAY = date(2026, 1, 1)
HEAD = vars(Head(UUID(int=1), UUID(int=2), None, 1, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.fixture
def catalogue(club: Club) -> Catalogue:
    return Catalogue(club)


def ids_of(*entries: Any) -> list[UUID]:
    return [UUID(one.name.rpartition("/")[2]) for one in entries]


def offer(catalogue: Catalogue, definition: Any, today: date = TODAY, *, online: bool = False) -> definitions.Offer:
    """Read what the club sells of a definition on a day."""
    club = catalogue.club
    unit_id = UUID(club.unit.rpartition("/")[2])
    with club.units.read(Context(ENTERPRISE_ID)) as tx:
        return queries.offer_for_sale(tx, ENTERPRISE_ID, unit_id, ids_of(definition)[0], today, online=online)


def reason_of(catalogue: Catalogue, definition: Any, today: date = TODAY, *, online: bool = False) -> str:
    with pytest.raises(FailedPrecondition) as refused:
        offer(catalogue, definition, today, online=online)
    assert refused.value.metadata["field"]
    return refused.value.reason


def test_agr_1_only_what_is_applied_to_the_unit_can_be_sold(catalogue: Catalogue) -> None:
    definition = catalogue.membership()
    assert catalogue.sellable() == []
    assert reason_of(catalogue, definition) == "NOT_APPLIED_TO_UNIT"
    applied = catalogue.apply(definition)
    assert (applied.definition, applied.business_unit) == (definition.name, catalogue.club.unit)
    assert applied.start_date == day("2026-01-01"), "it begins on the business date"
    (found,) = catalogue.sellable()
    assert (found.definition, found.display_name) == (definition.name, "Gold Monthly")
    (part,) = found.parts
    assert (part.display_name, part.required, part.billing) == ("Gold", "Select One", "perpetual")
    assert [(one.display_name, cents(one.price), one.is_key_item) for one in part.items] == [
        ("Club access", 3500, True)
    ]


def test_agr_1_a_definition_of_the_enterprise_is_sold_only_where_it_is_applied(catalogue: Catalogue) -> None:
    austin = add_unit(catalogue.club, "Austin Club", "America/Chicago").name
    bundle = catalogue.bundle(catalogue.item(parent=SHARED), parent=SHARED)
    definition = catalogue.definition(PART(bundle=bundle.name, required="Select One"), parent=SHARED)
    catalogue.apply(definition)
    assert [one.display_name for one in catalogue.sellable()] == ["Gold Monthly"]
    assert catalogue.sellable(austin) == [], "nothing is inherited"
    template = catalogue.template("Shared", parent=SHARED)
    catalogue.apply(definition, template, austin, start_date=day("2026-01-02"))
    assert catalogue.sellable(austin) == []
    catalogue.club.set_clock("2026-01-02")
    assert [one.template.rpartition("/")[2] for one in catalogue.sellable(austin)] == [template.name.rpartition("/")[2]]
    stub = catalogue.stub("Definition")
    found = stub.ListApplications(definitions_pb.ListApplicationsRequest(definition=definition.name)).applications
    assert {one.business_unit for one in found} == {catalogue.club.unit, austin}


def test_agr_1_a_definition_is_applied_to_business_units_only(catalogue: Catalogue) -> None:
    definition = catalogue.membership()
    for name in (ENTERPRISE, f"{ENTERPRISE}/divisions/{uuid4()}"):
        with pytest.raises(InvalidArgument, match=r"application\.business_unit"):
            catalogue.apply(definition, catalogue.template(f"T {name}"), name)
    with pytest.raises(NotFound, match="template"):
        catalogue.apply(definition, TEMPLATE(name=f"{ENTERPRISE}/templates/{uuid4()}"))
    with pytest.raises(InvalidArgument, match="end_date"):
        catalogue.apply(definition, catalogue.template(), end_date=day("2025-12-31"))


def test_agr_1_a_units_own_definition_is_not_there_for_other_units(catalogue: Catalogue) -> None:
    austin = add_unit(catalogue.club, "Austin Club", "America/Chicago").name
    with pytest.raises(NotFound, match="definition"):
        catalogue.apply(catalogue.membership(), catalogue.template("Shared", parent=SHARED), austin)


@pytest.mark.parametrize(
    ("dates", "day_of_sale", "reason"),
    [
        ({"start_date": day("2026-01-05")}, date(2026, 1, 4), "NOT_ON_SALE_YET"),
        ({"start_date": day("2026-01-05")}, date(2026, 1, 5), None),
        ({"end_date": day("2026-01-05")}, date(2026, 1, 5), None),
        ({"end_date": day("2026-01-05")}, date(2026, 1, 6), "NO_LONGER_ON_SALE"),
    ],
)
@pytest.mark.parametrize("of_application", [True, False])
def test_agr_1_a_sale_outside_the_dates_is_refused(
    catalogue: Catalogue, dates: dict[str, Any], day_of_sale: date, reason: str | None, of_application: bool
) -> None:
    definition = catalogue.membership(**({} if of_application else dates))
    applied = dates if of_application else {}
    catalogue.apply(definition, **({"start_date": day("2026-01-01")} | applied))
    if reason is None:
        assert offer(catalogue, definition, day_of_sale).definition.name == "Gold Monthly"
    else:
        assert reason_of(catalogue, definition, day_of_sale) == reason


def test_agr_1_an_inactive_definition_and_an_online_one_at_the_desk_are_refused(catalogue: Catalogue) -> None:
    definition = catalogue.membership(online_only=True)
    catalogue.apply(definition)
    assert reason_of(catalogue, definition) == "ONLINE_ONLY"
    assert catalogue.sellable() == []
    assert [one.online_only for one in catalogue.sellable(online=True)] == [True]
    catalogue.update(definition, inactive=True)
    assert reason_of(catalogue, definition, online=True) == "DEFINITION_INACTIVE"
    assert catalogue.sellable(online=True) == []


def test_agr_1_without_an_active_required_part_nothing_is_applied_or_sold(catalogue: Catalogue) -> None:
    access, towel = catalogue.item(), catalogue.item("Towels", kind="rental")
    bundle = catalogue.bundle(access)
    definition = catalogue.definition(PART(item=towel.name, required="Optional"))
    with pytest.raises(FailedPrecondition, match="no active bundle marked 'Select One'") as refused:
        catalogue.apply(definition)
    assert refused.value.metadata["field"] == "definition.parts"
    complete = catalogue.update(
        definition, parts=[PART(bundle=bundle.name, required="Select One"), PART(item=towel.name)]
    )
    catalogue.apply(complete, catalogue.template("Other"))
    catalogue.update(towel, inactive=True)
    assert [one.display_name for one in catalogue.sellable()[0].parts] == ["Gold"], "an inactive extra isn't offered"
    catalogue.update(access, inactive=True)
    assert reason_of(catalogue, complete) == "REQUIRED_PART_MISSING"
    assert catalogue.sellable() == []


def test_agr_1_a_unit_charges_its_own_rate_of_a_tax_and_sells_nothing_without_one(catalogue: Catalogue) -> None:
    access = catalogue.item(taxes=["Sales tax"])
    definition = catalogue.definition(PART(bundle=catalogue.bundle(access).name, required="Select One"))
    with pytest.raises(FailedPrecondition, match="has no rate") as refused:
        catalogue.apply(definition)
    assert refused.value.reason == "TAX_MISSING"
    catalogue.create(TAX(display_name="Sales tax", percent="8"), SHARED)
    catalogue.apply(definition, catalogue.template("Other"))
    assert [tax.percent for tax in catalogue.sellable()[0].parts[0].items[0].taxes] == ["8"]
    own = catalogue.create(TAX(display_name="Sales tax", percent="8.25"))
    assert offer(catalogue, definition).parts[0].items[0].taxes[0].percent == Decimal("8.25")
    catalogue.update(own, inactive=True)
    assert offer(catalogue, definition).parts[0].items[0].taxes[0].percent == 8


@pytest.mark.parametrize("percent", ["-1", "101", "much", "1.00001", "NaN", "Infinity", "1e999", "1e-999"])
def test_agr_1_a_tax_that_cannot_be_is_refused(catalogue: Catalogue, percent: str) -> None:
    with pytest.raises(InvalidArgument, match=r"tax\.percent"):
        catalogue.create(TAX(display_name="Odd", percent=percent))


def test_agr_1_items_of_another_currency_are_not_sold_in_a_unit(catalogue: Catalogue) -> None:
    euros = money_pb2.Money(currency_code="EUR", units=35)
    bundle = catalogue.bundle(catalogue.item(price=euros, parent=SHARED), parent=SHARED)
    definition = catalogue.definition(PART(bundle=bundle.name, required="Select One"), parent=SHARED)
    with pytest.raises(FailedPrecondition, match="bills in USD") as refused:
        catalogue.apply(definition)
    assert refused.value.reason == "ITEM_CURRENCY"


def set_price(catalogue: Catalogue, item: Any, price: money_pb2.Money | None, unit: str = "") -> Any:
    name = item.name.replace(SHARED, unit or catalogue.club.unit) if "/businessUnits/" not in item.name else item.name
    asked = items_pb.UnitPrice(item=name, price=price)
    return catalogue.stub("Item").SetUnitPrice(items_pb.SetUnitPriceRequest(unit_price=asked, request_id=str(uuid4())))


def test_agr_1_a_unit_charges_its_own_price_for_a_shared_item_and_others_the_items(catalogue: Catalogue) -> None:
    austin = add_unit(catalogue.club, "Austin Club", "America/Chicago").name
    access = catalogue.item(parent=SHARED)
    bundle = catalogue.bundle(access, parent=SHARED)
    definition = catalogue.definition(PART(bundle=bundle.name, required="Select One"), parent=SHARED)
    template = catalogue.template("Shared", parent=SHARED)
    for unit in (catalogue.club.unit, austin):
        catalogue.apply(definition, template, unit)

    def prices() -> list[int]:
        units = (catalogue.club.unit, austin)
        return [cents(catalogue.sellable(unit)[0].parts[0].items[0].price) for unit in units]

    before = offer(catalogue, definition)
    answer = set_price(catalogue, access, usd(4900))
    assert (cents(answer.price), cents(answer.shared_price), answer.display_name) == (4900, 3500, "Club access")
    assert prices() == [4900, 3500]
    for unit, own in ((catalogue.club.unit, 4900), (austin, 0), (SHARED, 0)):
        name = access.name.replace(SHARED, unit)
        (listed,) = catalogue.stub("Item").ListItems(items_pb.ListItemsRequest(parent=unit)).items
        assert listed == catalogue.get("Item", name)
        assert (cents(listed.price), cents(listed.unit_price)) == (3500, own), "who reads it sees its own price beside"
    assert before.parts[0].items[0].item.price_minor == 3500, "what is sold keeps its price"
    catalogue.update(access, price=usd(3900))
    assert prices() == [4900, 3900]
    set_price(catalogue, access, usd(0))
    assert prices() == [0, 3900]
    set_price(catalogue, access, None)
    assert prices() == [3900, 3900], "without a price of its own a unit charges the item's"


def test_agr_1_a_shared_item_of_other_money_is_sold_where_the_unit_has_a_price_for_it(catalogue: Catalogue) -> None:
    access = catalogue.item(price=money_pb2.Money(currency_code="EUR", units=35), parent=SHARED)
    bundle = catalogue.bundle(access, parent=SHARED)
    definition = catalogue.definition(PART(bundle=bundle.name, required="Select One"), parent=SHARED)
    set_price(catalogue, access, usd(3800))
    catalogue.apply(definition)
    assert cents(catalogue.sellable()[0].parts[0].items[0].price) == 3800


def test_agr_1_a_units_prices_are_listed_by_name_in_pages(catalogue: Catalogue) -> None:
    austin = add_unit(catalogue.club, "Austin Club", "America/Chicago").name
    spa, access = (catalogue.item(name, parent=SHARED) for name in ("Spa", "Access"))
    for item, price in ((spa, 900), (access, 4900)):
        set_price(catalogue, item, usd(price))
    set_price(catalogue, spa, usd(800), austin)

    def listed(**values: Any) -> Any:
        request = items_pb.ListUnitPricesRequest(**({"parent": catalogue.club.unit} | values))
        return catalogue.stub("Item").ListUnitPrices(request)

    first = listed(page_size=1)
    second = listed(page_size=1, page_token=first.next_page_token)
    assert [(one.display_name, cents(one.price)) for one in (*first.unit_prices, *second.unit_prices)] == [
        ("Access", 4900),
        ("Spa", 900),
    ]
    assert second.next_page_token == ""
    assert [(one.item, cents(one.price)) for one in listed(parent=austin).unit_prices] == [
        (spa.name.replace(SHARED, austin), 800)
    ]
    with pytest.raises(NotFound, match="business unit"):
        listed(parent=f"{ENTERPRISE}/businessUnits/{uuid4()}")


def test_agr_1_a_price_that_a_unit_cannot_charge_is_refused(catalogue: Catalogue) -> None:
    shared, own = catalogue.item(parent=SHARED), catalogue.item("Own")
    with pytest.raises(InvalidArgument, match="bills in USD"):
        set_price(catalogue, shared, money_pb2.Money(currency_code="EUR", units=35))
    with pytest.raises(InvalidArgument, match=r"unit_price\.price: must not be negative"):
        set_price(catalogue, shared, usd(-100))
    with pytest.raises(InvalidArgument, match=r"unit_price\.item"):
        set_price(catalogue, shared, usd(1), f"{ENTERPRISE}/divisions/{uuid4()}")
    with pytest.raises(NotFound, match="business unit"):
        set_price(catalogue, shared, usd(1), f"{ENTERPRISE}/businessUnits/{uuid4()}")
    with pytest.raises(NotFound, match="no item"):
        set_price(catalogue, ITEM(name=f"{ENTERPRISE}/items/{uuid4()}"), usd(1))
    with pytest.raises(FailedPrecondition, match="change the price in the item") as refused:
        set_price(catalogue, own, usd(1))
    assert refused.value.reason == "OWN_ITEM"


def test_agr_1_at_least_one_bundle_is_selected_and_one_or_more_of_each_needed_service(catalogue: Catalogue) -> None:
    gold = catalogue.bundle(catalogue.item())
    silver = catalogue.bundle(catalogue.item("Off-peak access"), "Silver")
    towel = catalogue.item("Towels", kind="rental")
    parts = [PART(bundle=one.name, required="Select One") for one in (gold, silver)]
    definition = catalogue.definition(*parts, PART(item=towel.name))
    catalogue.apply(definition)
    found = offer(catalogue, definition)
    gold_id, silver_id, towel_id = ids_of(gold, silver, towel)
    definitions.check_chosen(found, {gold_id: 1})
    definitions.check_chosen(found, {gold_id: 1, silver_id: 1, towel_id: 3})
    for chosen, reason in (
        ({}, "SELECT_ONE_BUNDLE"),
        ({towel_id: 1}, "SELECT_ONE_BUNDLE"),
        ({gold_id: 0}, "SELECT_ONE_BUNDLE"),
        ({gold_id: 1, uuid4(): 1}, "PART_NOT_OFFERED"),
    ):
        with pytest.raises(FailedPrecondition) as refused:
            definitions.check_chosen(found, chosen)
        assert (refused.value.reason, refused.value.metadata["field"]) == (reason, "parts")
    service = catalogue.definition(
        PART(item=towel.name, required="One or More"), display_name="Towels", agreement_type="Service"
    )
    catalogue.apply(service, catalogue.template("Other"))
    with pytest.raises(FailedPrecondition, match="one or more of Towels"):
        definitions.check_chosen(offer(catalogue, service), {})


@pytest.mark.parametrize(
    ("values", "buyer", "reason"),
    [
        ({"qualified_members_only": True}, {"is_member": False}, "QUALIFIED_MEMBERS_ONLY"),
        ({"barcode_required": True}, {"barcode": " "}, "BARCODE_REQUIRED"),
        ({"manual_funding_source_allowed": False}, {"manual_funding_source": True}, "STATEMENT_BILLING_NOT_ALLOWED"),
        ({"qualified_members_only": True, "barcode_required": True}, {}, None),
    ],
)
def test_agr_1_a_definition_says_who_may_buy_it_and_how(
    values: dict[str, Any], buyer: dict[str, Any], reason: str | None
) -> None:
    definition = definitions.Definition(
        **HEAD, name="Locker", agreement_type="Service", start_date=TODAY, **({"barcode_required": False} | values)
    )
    asked = {"is_member": True, "barcode": "4711", "manual_funding_source": False} | buyer
    if reason is None:
        definitions.check_buyer(definition, **asked)
        return
    with pytest.raises(FailedPrecondition) as refused:
        definitions.check_buyer(definition, **asked)
    assert refused.value.reason == reason


def test_agr_1_what_was_offered_before_a_change_of_the_price_keeps_its_price(catalogue: Catalogue) -> None:
    access = catalogue.item()
    definition = catalogue.definition(PART(bundle=catalogue.bundle(access).name, required="Select One"))
    catalogue.apply(definition)
    before = offer(catalogue, definition)
    catalogue.update(access, price=usd(9900))
    assert before.parts[0].items[0].item.price_minor == 3500
    assert offer(catalogue, definition).parts[0].items[0].item.price_minor == 9900
