"""What may be sold, and what it costs: the pure part of the Agreement Writer (SPEC AGR-1, AGR-4, AGR-6)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.agreements.rules import Tax
from boss_agreements.catalogue.rules import Entry
from boss_agreements.definitions.rules import Application, Definition, Offer, OfferedItem, OfferedPart
from boss_agreements.drafts import checks, pricing
from boss_agreements.drafts.checks import Buyer
from boss_agreements.drafts.rules import Content, DraftLine
from boss_agreements.groups.rules import AgreementGroup
from boss_agreements.items.rules import Item
from boss_agreements.promotions.rules import Promotion
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money

TODAY = date(2026, 1, 10)
AGREEMENT_ID, ENTERPRISE_ID, UNIT_ID = uuid4(), uuid4(), uuid4()
BUNDLE, ACCESS, TOWELS, FEE, LESSONS, LOCKER = (UUID(int=number) for number in range(1, 7))
VAT = Tax("State sales tax", Decimal("8.25"))
MONTHLY = "monthly_anniversary"

E = TypeVar("E", bound=Entry)


def usd(amount_minor: int) -> Money:
    return Money(amount_minor, "USD")


def entry(kind_of: type[E], entry_id: UUID, name: str, **values: Any) -> E:
    head = {"id": entry_id, "enterprise_id": ENTERPRISE_ID, "business_unit_id": None, "version": 1}
    return kind_of(**head, create_time=datetime(2026, 1, 1, tzinfo=UTC), name=name, **values)


def item(item_id: UUID, name: str, price: int, kind: str = "access", **values: Any) -> Item:
    usual = {"price_minor": price, "currency": "USD", "category": "Membership", "kind": kind}
    return entry(Item, item_id, name, **usual | values)


def offered(one: Item, *, key: bool = False, schedule: str = MONTHLY, taxes: tuple[Tax, ...] = ()) -> OfferedItem:
    return OfferedItem(one, 1, key, schedule, taxes)


def single(one: OfferedItem, billing: str = "once", required: str = "Optional") -> OfferedPart:
    return OfferedPart(one.item.id, one.item.name, None, required, billing, one.item.term_months, 0, (one,))


GYM = offered(item(ACCESS, "Gym access", 3500), key=True, taxes=(VAT,))
TOWEL = offered(item(TOWELS, "Towel service", 500, "service"))
GOLD = OfferedPart(BUNDLE, "Gold", BUNDLE, "Select One", "perpetual", None, 0, (GYM, TOWEL))
ENROLMENT = single(offered(item(FEE, "Enrolment fee", 4900, "fee")))
PACK = single(offered(item(LESSONS, "Lessons", 10000, "service", basis="unit", units=10, validity_days=90), key=True))
DEFINITION = entry(Definition, uuid4(), "Gold Monthly", agreement_type="Membership", start_date=date(2025, 1, 1))
APPLICATION = Application(ENTERPRISE_ID, DEFINITION.id, UNIT_ID, date(2025, 1, 1), None, uuid4())
OFFER = Offer(DEFINITION, APPLICATION, "Member", None, (GOLD, ENROLMENT, PACK))
CONTENT = Content(
    definition_id=DEFINITION.id,
    owner_id=uuid4(),
    start_date=TODAY,
    lines=(DraftLine(BUNDLE), DraftLine(item_id=FEE)),
    funding_source_id=uuid4(),
)
BUYER = Buyer()
FAMILY = entry(AgreementGroup, uuid4(), "Family", type="Family", add_ons_allowed=True, add_ons_max=3)


def with_gym(**values: Any) -> Offer:
    """Offer another Gym access in the bundle."""
    part = {name: values.pop(name) for name in ("billing", "obligation_months", "schedule") if name in values}
    schedule = part.pop("schedule", MONTHLY)
    gym = replace(GYM, item=replace(GYM.item, **values), schedule=schedule)
    towel = replace(TOWEL, schedule=schedule)
    return replace(OFFER, parts=(replace(GOLD, items=(gym, towel), **part), *OFFER.parts[1:]))


def promotion(name: str, **values: Any) -> Promotion:
    return entry(Promotion, uuid4(), name, **{"start_date": date(2025, 1, 1), "kind": "percent"} | values)


def quote(today: date = TODAY, offer: Offer = OFFER, promotions: Any = (), **values: Any) -> pricing.Quote:
    return pricing.quote(replace(CONTENT, **values), offer, promotions, "USD", AGREEMENT_ID, today)


def codes(
    content: Content = CONTENT, offer: Offer = OFFER, buyer: Buyer = BUYER, today: date = TODAY, promotions: Any = ()
) -> list[str]:
    return [f"{one.code} {one.field}" for one in checks.problems(content, offer, promotions, buyer, today)]


def dates(found: pricing.Quote) -> list[tuple[str, int, int]]:
    return [(one.day.isoformat(), one.amount.amount_minor, one.tax.amount_minor) for one in found.bill_dates]


def test_agr_4_a_quote_has_each_line_with_its_tax_and_what_is_due_at_sale_and_later() -> None:
    found = quote()
    assert [(one.line.item, one.line.price.amount_minor, one.tax.amount_minor) for one in found.lines] == [
        ("Gym access", 3500, 289),
        ("Towel service", 500, 0),
        ("Enrolment fee", 4900, 0),
    ]
    assert (found.due_amount, found.due_tax, found.due_total) == (usd(8900), usd(289), usd(9189))
    (recurring,) = found.recurring
    assert (recurring.schedule.name, recurring.amount, recurring.tax) == ("monthly_anniversary", usd(4000), usd(289))


def test_agr_4_a_quote_shows_the_next_six_bill_dates_after_the_sale() -> None:
    expected = [f"2026-{month:02}-10" for month in range(2, 8)]
    assert dates(quote()) == [(day, 4000, 289) for day in expected]


def test_agr_4_an_anniversary_on_the_31st_bills_on_the_last_day_of_a_short_month_and_returns() -> None:
    start = date(2026, 1, 31)
    found = [day for day, *_ in dates(quote(today=start, start_date=start))]
    assert found == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("monthly_on_15", ["2026-01-15", "2026-02-15", "2026-03-15"]),
        ("weekly", ["2026-01-17", "2026-01-24", "2026-01-31"]),
        ("every_2_weeks", ["2026-01-24", "2026-02-07", "2026-02-21"]),
        ("every_3_months", ["2026-04-10", "2026-07-10", "2026-10-10"]),
        ("yearly", ["2027-01-10", "2028-01-10", "2029-01-10"]),
    ],
)
def test_agr_4_every_billing_schedule_is_quoted(schedule: str, expected: list[str]) -> None:
    assert [day for day, *_ in dates(quote(schedule=schedule))][:3] == expected


def test_agr_4_a_schedule_nobody_knows_is_refused_by_field() -> None:
    with pytest.raises(InvalidArgument, match="weekly"):
        quote(schedule="daily")


def test_agr_4_the_days_before_the_first_bill_date_are_charged_where_the_definition_says_so() -> None:
    offer = replace(OFFER, definition=replace(DEFINITION, prorates_first_days=True))
    half = promotion("Half", percent=Decimal(50), item_ids=(ACCESS,))
    found = quote(offer=offer, promotions=[half], schedule="monthly_on_1")
    charged = [(one.charge.amount, one.charge.tax, one.charge.period_end.isoformat()) for one in found.due]
    assert charged == [
        (usd(1242), usd(102), "2026-01-31"),
        (usd(355), usd(0), "2026-01-31"),
        (usd(4900), usd(0), "2026-01-10"),
    ], "22 of 31 days of what is perpetual; a fee is never prorated"
    assert [(one.item, one.list_price, one.price) for one in found.effects] == [
        ("Gym access", usd(3500), usd(1750)),
        ("Gym access", usd(2484), usd(1242)),
    ]
    assert dates(found)[0] == ("2026-02-01", 2250, 144)
    assert [one.amount for one in found.recurring] == [usd(2250)], "they are charged once"


@pytest.mark.parametrize("values", [{}, {"schedule": "monthly_on_10"}, {"payment": "instalment", "term_months": 6}])
def test_agr_4_no_first_days_are_charged_on_an_anniversary_on_the_bill_date_or_by_instalments(values: Any) -> None:
    offer = replace(OFFER, definition=replace(DEFINITION, prorates_first_days=True))
    free = quote(schedule=values.get("schedule", "monthly_on_1"), lines=(DraftLine(BUNDLE),))
    assert len(free.lines) == 2, "without the option the days are free"
    found = quote(offer=offer, lines=(DraftLine(BUNDLE),), **({"schedule": "monthly_anniversary"} | values))
    assert len(found.lines) == 2


def test_agr_4_an_agreement_that_begins_later_is_due_then_but_what_is_paid_once_at_sale() -> None:
    found = quote(start_date=date(2026, 2, 1))
    assert [one.line.item for one in found.due] == ["Enrolment fee"]
    assert dates(found)[0] == ("2026-02-01", 4000, 289)


def test_agr_4_a_start_in_the_past_owes_the_cycles_since() -> None:
    found = quote(start_date=date(2025, 12, 1))
    assert [one.charge.due_date.isoformat() for one in found.due if one.line.item == "Gym access"] == [
        "2025-12-01",
        "2026-01-01",
    ]


def test_agr_4_instalments_end_with_the_term_of_the_key_item() -> None:
    offer = with_gym(billing="instalment", term_months=4)
    found = quote(offer=offer, lines=(DraftLine(BUNDLE),))
    assert [day for day, *_ in dates(found)] == ["2026-02-10", "2026-03-10", "2026-04-10"]
    assert {one.line.term_end_date for one in found.lines} == {date(2026, 5, 10)}
    assert found.obligation_end_date == date(2026, 5, 9)
    assert pricing.term_of(CONTENT, offer) == "fixed_4"


def test_agr_4_paid_in_full_pays_all_cycles_of_the_term_at_once_and_a_pack_once() -> None:
    chosen = (DraftLine(BUNDLE), DraftLine(item_id=LESSONS))
    found = quote(offer=with_gym(term_months=12), lines=chosen, payment="paid_in_full")
    assert [one.line.price for one in found.lines] == [usd(12 * 3500), usd(12 * 500), usd(10000)]
    assert found.due_total == usd(42000 + 3465 + 6000 + 10000)
    assert [one.line.units_per_cycle for one in found.lines] == [None, None, 10]
    assert not found.bill_dates
    assert not found.recurring


def test_agr_4_a_pack_of_units_that_is_the_key_item_is_one_pack_when_it_is_paid_in_full() -> None:
    offer = with_gym(term_months=12, basis="unit", units=10)
    (pack, towels) = (one.line for one in quote(offer=offer, lines=(DraftLine(BUNDLE),), payment="paid_in_full").lines)
    assert (pack.price, pack.units_per_cycle) == (usd(3500), 10)
    assert towels.price == usd(12 * 500), "what is used by time is paid for all of it"


def test_agr_4_a_perpetual_agreement_has_an_obligation_period() -> None:
    assert quote(obligation_months=12).obligation_end_date == date(2027, 1, 9)
    assert quote(offer=with_gym(obligation_months=6)).obligation_end_date == date(2026, 7, 9)
    assert quote().obligation_end_date is None


def test_agr_4_an_item_with_a_schedule_of_its_own_keeps_it_when_the_desk_chooses_another() -> None:
    yearly = replace(TOWEL, schedule="yearly")
    offer = replace(OFFER, parts=(replace(GOLD, items=(GYM, yearly)),))
    found = quote(offer=offer, schedule="monthly_on_1", lines=(DraftLine(BUNDLE),))
    assert [one.line.schedule.name for one in found.lines] == ["monthly_on_1", "yearly"]


def test_agr_4_an_optional_part_does_not_make_the_agreement() -> None:
    found = quote(lines=(*CONTENT.lines, DraftLine(item_id=LESSONS)))
    assert [one.line.item for one in found.lines if one.line.is_key_item] == ["Gym access"]


def test_agr_4_the_better_promotion_makes_the_price_and_is_told_with_its_effect() -> None:
    half = promotion("Half off", percent=Decimal(50), item_ids=(ACCESS,))
    five = promotion("Five off", kind="amount", amount_minor=500)
    found = quote(promotions=(half, five))
    assert [(one.item, one.promotion, one.list_price, one.price) for one in found.effects] == [
        ("Gym access", "Half off", usd(3500), usd(1750)),
        ("Towel service", "Five off", usd(500), usd(0)),
        ("Enrolment fee", "Five off", usd(4900), usd(4400)),
    ]
    assert not quote().effects


@given(
    st.integers(0, 100_000),
    st.integers(1, 20),
    st.one_of(
        st.integers(1, 100).map(lambda percent: {"percent": Decimal(percent)}),
        st.tuples(st.sampled_from(["amount", "price"]), st.integers(1, 100_000)).map(
            lambda off: {"kind": off[0], "amount_minor": off[1]}
        ),
    ),
)
def test_agr_4_a_price_is_never_negative_and_never_above_the_list(
    price: int, quantity: int, better: dict[str, Any]
) -> None:
    off = promotion("Off", **better)
    chosen = (DraftLine(BUNDLE, quantity=quantity),)
    line = quote(offer=with_gym(price_minor=price), promotions=(off,), lines=chosen).lines[0].line
    assert usd(0) <= line.price <= usd(price * quantity)
    assert line.list_price == usd(price * quantity)


@given(st.integers(0, 400), st.sampled_from(["monthly_anniversary", "monthly_on_31", "weekly", "yearly"]))
def test_agr_4_due_at_sale_and_the_bill_dates_are_one_series_without_gap_or_repeat(days: int, schedule: str) -> None:
    start = date.fromordinal(TODAY.toordinal() - days)
    found = quote(start_date=start, schedule=schedule, lines=(DraftLine(BUNDLE),))
    (line, _) = (one.line for one in found.lines)
    due = [one.charge.due_date for one in found.due if one.line is line]
    series = [*due, *(one.day for one in found.bill_dates)]
    expected, day = [], line.next_bill_date
    while len(expected) < len(series):
        expected.append(day)
        day = line.schedule.after(day)
    assert series == expected
    assert all(day <= TODAY for day in due)
    assert all(one.day > TODAY for one in found.bill_dates)


def test_agr_4_a_sale_that_respects_every_rule_has_no_problem() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("definition", "application", "expected"),
    [
        ({"active": False}, {}, "DEFINITION_INACTIVE definition"),
        ({"start_date": date(2026, 1, 11)}, {}, "NOT_ON_SALE_YET definition"),
        ({"end_date": date(2026, 1, 9)}, {}, "NO_LONGER_ON_SALE definition"),
        ({}, {"start_date": date(2026, 1, 11)}, "NOT_ON_SALE_YET definition"),
        ({}, {"end_date": date(2026, 1, 9)}, "NO_LONGER_ON_SALE definition"),
        ({"online_only": True}, {}, "ONLINE_ONLY definition"),
        ({"qualified_members_only": True}, {}, "QUALIFIED_MEMBERS_ONLY member"),
        ({"barcode_required": True}, {}, "BARCODE_REQUIRED barcode"),
    ],
)
def test_agr_1_only_what_is_applied_active_and_in_date_is_sold_to_whom_it_is_for(
    definition: Any, application: Any, expected: str
) -> None:
    offer = replace(
        OFFER, definition=replace(DEFINITION, **definition), application=replace(APPLICATION, **application)
    )
    assert codes(offer=offer) == [expected]


def test_agr_1_the_last_day_of_an_offer_still_sells() -> None:
    definition = replace(DEFINITION, start_date=TODAY, end_date=TODAY)
    application = replace(APPLICATION, start_date=TODAY, end_date=TODAY)
    assert codes(offer=replace(OFFER, definition=definition, application=application)) == []


def test_agr_4_online_barcode_and_qualified_members_are_satisfied_by_what_they_ask_for() -> None:
    definition = replace(DEFINITION, online_only=True, barcode_required=True, qualified_members_only=True)
    offer = replace(OFFER, definition=definition)
    content = replace(CONTENT, is_online=True, barcode="C-1")
    assert codes(content, offer, Buyer(is_qualified_member=True)) == []
    buyer = Buyer(is_qualified_member=True, barcode_holder="M7")
    assert codes(content, offer, buyer) == ["BARCODE_TAKEN barcode"]


def test_agr_1_a_membership_needs_one_of_its_bundles_with_a_key_item() -> None:
    assert codes(replace(CONTENT, lines=())) == ["SELECT_ONE_BUNDLE parts", "NOTHING_CHOSEN lines"]
    assert codes(replace(CONTENT, lines=(DraftLine(item_id=FEE),))) == [
        "SELECT_ONE_BUNDLE parts",
        "NO_KEY_ITEM lines",
    ]
    without_key = replace(GOLD, items=(replace(GYM, is_key_item=False), TOWEL))
    assert codes(offer=replace(OFFER, parts=(without_key, ENROLMENT))) == ["NO_KEY_ITEM lines"]
    assert codes(replace(CONTENT, lines=(*CONTENT.lines, DraftLine(item_id=LOCKER)))) == ["PART_NOT_OFFERED parts"]


def test_agr_1_a_service_agreement_needs_one_or_more_of_its_items() -> None:
    locker = single(offered(item(LOCKER, "Locker", 1500, "rental"), key=True), "perpetual", "One or More")
    towel = single(offered(item(TOWELS, "Towels", 500, "service"), key=True))
    offer = replace(OFFER, definition=replace(DEFINITION, agreement_type="Service"), parts=(locker, towel))
    assert codes(replace(CONTENT, lines=(DraftLine(item_id=LOCKER),)), offer) == []
    assert codes(replace(CONTENT, lines=(DraftLine(item_id=TOWELS),)), offer) == ["ONE_OR_MORE parts"]


@pytest.mark.parametrize(
    ("start", "ok"),
    [("2026-01-06", False), ("2026-01-07", True), ("2026-01-10", True), ("2026-02-09", True), ("2026-02-10", False)],
)
def test_agr_1_the_agreement_rules_limit_the_start_of_a_sale(start: str, ok: bool) -> None:
    limits = entry(AgreementRules, uuid4(), "Usual", sale_past_days=3, sale_future_days=30)
    found = codes(replace(CONTENT, start_date=date.fromisoformat(start)), replace(OFFER, rules=limits))
    assert found == ([] if ok else ["OUTSIDE_AGREEMENT_RULES start_date"])


def test_agr_4_without_agreement_rules_nothing_begins_in_the_past() -> None:
    assert codes(replace(CONTENT, start_date=date(2026, 1, 9))) == ["START_IN_THE_PAST start_date"]
    assert codes(replace(CONTENT, start_date=date(2027, 1, 9))) == []


def test_agr_4_without_past_days_in_the_rules_nothing_begins_in_the_past() -> None:
    limits = entry(AgreementRules, uuid4(), "Usual", sale_future_days=30)
    offer = replace(OFFER, rules=limits)
    assert codes(replace(CONTENT, start_date=date(2026, 1, 9)), offer) == ["START_IN_THE_PAST start_date"]
    assert codes(replace(CONTENT, start_date=date(2026, 2, 10)), offer) == ["OUTSIDE_AGREEMENT_RULES start_date"]


def test_agr_4_what_recurs_needs_a_funding_source_unless_statement_billing_is_allowed() -> None:
    content = replace(CONTENT, funding_source_id=None, tender="CASH")
    assert codes(content) == ["STATEMENT_BILLING_NOT_ALLOWED funding_source"]
    allowed = replace(DEFINITION, manual_funding_source_allowed=True)
    assert codes(content, replace(OFFER, definition=allowed)) == []
    paid = replace(content, payment="paid_in_full", term_months=12)
    assert codes(paid) == []
    assert codes(replace(paid, tender="")) == ["STATEMENT_BILLING_NOT_ALLOWED funding_source"]


def test_agr_4_a_fixed_term_needs_to_know_how_long() -> None:
    assert codes(replace(CONTENT, payment="instalment")) == ["TERM_REQUIRED term_months"]
    assert codes(replace(CONTENT, payment="instalment", term_months=12)) == []
    assert codes(replace(CONTENT, payment="instalment"), with_gym(term_months=12)) == []


def test_agr_4_a_promotion_that_is_over_for_others_or_without_its_code_is_refused() -> None:
    over = promotion("Old", end_date=date(2026, 1, 9))
    others = promotion("Others", definition_ids=(uuid4(),))
    coded = promotion("Coded", code="SPRING")
    assert codes(promotions=(over, others, coded)) == [
        "PROMOTION_NOT_RUNNING promotion",
        "PROMOTION_FOR_OTHERS promotion",
        "PROMOTION_CODE promotion",
    ]
    assert codes(replace(CONTENT, promotion_code="spring"), promotions=(coded,)) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, ["PRIMARY_NOT_FOUND primary_agreement"]),
        ("Active", []),
        ("Pending Start", []),
        ("Freeze", ["PRIMARY_NOT_LIVE primary_agreement"]),
        ("Cancelled", ["PRIMARY_NOT_LIVE primary_agreement"]),
        ("Expired", ["PRIMARY_NOT_LIVE primary_agreement"]),
    ],
)
def test_agr_6_an_add_on_needs_its_primary_to_run(status: str | None, expected: list[str]) -> None:
    content = replace(CONTENT, role="Add-on", primary_agreement_id=uuid4())
    assert codes(content, buyer=Buyer(group=FAMILY, primary_status=status)) == expected


def test_agr_6_an_add_on_names_its_primary_whose_group_allows_it() -> None:
    assert codes(replace(CONTENT, role="Add-on")) == ["PRIMARY_REQUIRED primary_agreement"]
    content = replace(CONTENT, role="Add-on", primary_agreement_id=uuid4())
    running = Buyer(group=FAMILY, primary_status="Active")
    assert codes(content, buyer=replace(running, group=None)) == ["ADD_ONS_NOT_ALLOWED group"]
    alone = replace(FAMILY, add_ons_allowed=False)
    assert codes(content, buyer=replace(running, group=alone)) == ["ADD_ONS_NOT_ALLOWED group"]
    assert codes(content, buyer=replace(running, live_add_ons=2)) == []
    assert codes(content, buyer=replace(running, live_add_ons=3)) == ["TOO_MANY_ADD_ONS group"]
    assert codes(replace(CONTENT, primary_agreement_id=uuid4())) == ["NOT_AN_ADD_ON primary_agreement"]


def test_agr_1_a_group_that_is_not_active_is_refused() -> None:
    assert codes(buyer=Buyer(group=replace(FAMILY, active=False))) == ["GROUP_INACTIVE group"]


def test_agr_4_what_is_on_account_is_not_collected_in_the_past() -> None:
    assert codes(replace(CONTENT, collect_date=date(2026, 1, 9))) == ["COLLECT_DATE_IN_THE_PAST collect_date"]
