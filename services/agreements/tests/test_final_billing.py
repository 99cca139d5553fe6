"""The final bill of a cancelled line, taxes and what is paid at once (SPEC AGR-4, AGR-8): rules alone."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.agreements.rules import (
    FREEZE_FEE,
    ONCE,
    PAID_IN_FULL,
    RECURRING_FREEZE_FEE,
    AgreementLine,
    has_ended,
    open_line,
    status_on,
)
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.due_charges.rules import (
    ITEM_CANCELLED,
    advance,
    charges_through,
    next_charge,
    skip_of,
    tax_on,
)
from boss_agreements.suspensions.rules import Window, union
from boss_kit.money import Money

LINE = UUID(int=7)
JUNE_1 = date(2026, 6, 1)
"""June has 30 days, as the months of the text's examples have."""


def line_of(
    price: int = 3500, months: int | None = None, billing: str = "", start: date = JUNE_1, **values: object
) -> AgreementLine:
    made = open_line(LINE, parse_schedule("monthly_on_1", start), Money(price, "USD"), start, months, start, billing)
    return replace(made, **values)  # type: ignore[arg-type]


def test_agr_8_a_monthly_unlimited_cancelled_on_the_14th_is_billed_for_14_days() -> None:
    charge = next_charge(line_of(final_date=date(2026, 6, 14)), ())
    assert charge is not None
    assert charge.amount == Money(1633, "USD"), "35.00 / 30 x 14 = 16.3333..."
    assert (charge.period_start, charge.period_end) == (JUNE_1, date(2026, 6, 14))


def test_agr_8_a_ten_pack_to_the_14th_is_4_667_units() -> None:
    pack = line_of(10000, basis="unit", units_per_cycle=Decimal(10), final_date=date(2026, 6, 14))
    charge = next_charge(pack, ())
    assert charge is not None
    assert charge.units is not None
    assert (charge.amount, f"{float(charge.units):.3f}") == (Money(4667, "USD"), "4.667")


def test_agr_8_nothing_is_billed_after_the_last_paid_day() -> None:
    line = line_of(final_date=date(2026, 7, 14))
    assert [charge.amount.amount_minor for charge in charges_through(line, (), date(2027, 6, 1))] == [3500, 1581]
    assert next_charge(line_of(final_date=date(2026, 5, 31)), ()) is None


def test_agr_8_the_last_day_of_a_cycle_pays_all_of_it_and_the_first_one_day() -> None:
    whole, first = line_of(final_date=date(2026, 6, 30)), line_of(final_date=JUNE_1)
    assert [charge.amount.amount_minor for charge in charges_through(whole, (), date(2026, 9, 1))] == [3500]
    assert [charge.amount.amount_minor for charge in charges_through(first, (), date(2026, 9, 1))] == [117]


@pytest.mark.parametrize("kind", ["fee", "service", "product"])
def test_agr_8_fees_and_what_is_neither_access_nor_rental_are_never_prorated(kind: str) -> None:
    charge = next_charge(line_of(item_kind=kind, final_date=date(2026, 6, 14)), ())
    assert charge is not None
    assert charge.amount == Money(3500, "USD")


@pytest.mark.parametrize("billing", ["", PAID_IN_FULL])
def test_agr_8_instalments_and_paid_in_full_items_go_on_as_they_are(billing: str) -> None:
    line = line_of(months=12, billing=billing, final_date=date(2026, 6, 14))
    charge = next_charge(line, ())
    assert charge is not None
    assert charge.amount == Money(3500, "USD")


def test_agr_8_a_final_bill_on_the_first_day_back_pays_the_days_that_are_left() -> None:
    line = line_of(3000, final_date=date(2026, 6, 19))
    charge = next_charge(line, union([Window(JUNE_1, date(2026, 6, 10))]))
    assert charge is not None
    assert (charge.due_date, charge.period_end) == (date(2026, 6, 10), date(2026, 6, 19))
    assert charge.amount == Money(1000, "USD"), "10 of the 30 days of June"


def test_agr_8_the_days_to_the_first_bill_of_a_rewritten_line_are_prorated_like_it() -> None:
    days = line_of(1400, billing=ONCE, term_end_date=date(2026, 6, 15), final_date=date(2026, 6, 7))
    (charge,) = charges_through(days, (), date(2026, 9, 1))
    assert (charge.amount, charge.period_end) == (Money(700, "USD"), date(2026, 6, 7)), "7 of the 14 days"


def test_a_skipped_line_says_that_it_was_cancelled() -> None:
    skip = skip_of(line_of(final_date=date(2026, 5, 20)), (), date(2026, 5, 1), JUNE_1)
    assert skip is not None
    assert (skip.reason, skip.description) == (ITEM_CANCELLED, "Cancelled; 2026-05-20 was the last paid day.")


@pytest.mark.parametrize(("rate", "tax"), [("0", 0), ("8.25", 289), ("7.1", 249), ("0.5", 18), ("100", 3500)])
def test_tax_is_rounded_half_up_once_a_line(rate: str, tax: int) -> None:
    charge = next_charge(line_of(tax_rate=Decimal(rate)), ())
    assert charge is not None
    assert charge.tax == Money(tax, "USD")


def test_the_tax_of_a_prorated_charge_is_that_of_its_amount() -> None:
    charge = next_charge(line_of(tax_rate=Decimal(10), final_date=date(2026, 6, 14)), ())
    assert charge is not None
    assert charge.tax == tax_on(charge.amount, Decimal(10)) == Money(163, "USD")


def test_agr_4_what_is_paid_in_full_is_charged_once_and_lasts_its_term() -> None:
    line = line_of(36000, months=12, billing=PAID_IN_FULL)
    (charge,) = charges_through(line, (), date(2030, 1, 1))
    assert (charge.kind, charge.key) == ("once", f"{LINE}/1/once")
    assert (charge.period_start, charge.period_end) == (JUNE_1, date(2027, 5, 31))
    paid = advance(line, ())
    assert not has_ended(paid, date(2027, 5, 31))
    assert status_on(date(2027, 6, 1), JUNE_1, [replace(paid, due_date=None)], frozenset()) == "Expired"


def test_agr_4_an_enrolment_fee_is_charged_once_on_its_day() -> None:
    fee = line_of(9900, billing=ONCE, item_kind="fee")
    (charge,) = charges_through(fee, (), date(2030, 1, 1))
    assert (charge.due_date, charge.period_end) == (JUNE_1, JUNE_1)


def test_agr_4_a_fixed_term_lasts_as_long_as_its_key_item() -> None:
    key = replace(line_of(months=1), remaining_cycles=0, due_date=None)
    towels = line_of(500, months=12, is_key_item=False)
    assert status_on(date(2026, 6, 30), JUNE_1, [key, towels], frozenset()) == "Active"
    assert (
        status_on(date(2026, 7, 1), JUNE_1, [key, replace(towels, due_date=date(2026, 7, 1))], frozenset()) == "Expired"
    )
    unbilled = "what was due before the end is billed before the agreement ends"
    assert status_on(date(2026, 7, 1), JUNE_1, [key, towels], frozenset()) == "Active", unbilled


def test_agr_4_an_agreement_is_cancelled_with_its_key_items_not_with_an_optional_item() -> None:
    key, towels = line_of(), line_of(500, is_key_item=False, state="cancelled")
    assert status_on(JUNE_1, JUNE_1, [key, towels], frozenset()) == "Active"
    assert status_on(JUNE_1, JUNE_1, [replace(key, state="cancelled"), towels], frozenset()) == "Cancelled"


def test_sus_7_the_fees_of_a_suspension_are_due_although_it_stops_billing() -> None:
    frozen = union([Window(JUNE_1, date(2026, 8, 15))])
    once = line_of(2500, billing=FREEZE_FEE, is_key_item=False)
    monthly = line_of(500, billing=RECURRING_FREEZE_FEE, item_kind="fee", final_date=date(2026, 8, 14))
    assert [charge.key for charge in charges_through(once, frozen, date(2027, 1, 1))] == [f"{LINE}/1/freeze"]
    assert [
        (charge.due_date, charge.amount.amount_minor) for charge in charges_through(monthly, frozen, date(2027, 1, 1))
    ] == [
        (JUNE_1, 500),
        (date(2026, 7, 1), 500),
        (date(2026, 8, 1), 500),
    ]


@given(st.dates(JUNE_1, date(2029, 6, 1)), st.integers(0, 100_000))
def test_agr_8_a_cancelled_line_pays_every_day_to_the_last_paid_one_and_none_after(final: date, price: int) -> None:
    charges = list(charges_through(line_of(price, final_date=final), (), final + timedelta(days=90)))
    paid = [
        charge.period_start + timedelta(days=n)
        for charge in charges
        for n in range((charge.period_end - charge.period_start).days + 1)
    ]
    assert paid == [JUNE_1 + timedelta(days=n) for n in range((final - JUNE_1).days + 1)]
    assert sum(charge.amount.amount_minor for charge in charges) <= price * len(charges)
