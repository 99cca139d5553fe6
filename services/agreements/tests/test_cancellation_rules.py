"""What a cancellation cancels and gives back (SPEC AGR-7, AGR-8): rules alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss_agreements.agreements.rules import PAID_IN_FULL, AgreementLine, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.cancellations.rules import (
    FULL,
    NONE,
    PRORATED,
    Billed,
    Choice,
    Return,
    Units,
    check_dates,
    check_rescind,
    chosen_lines,
    is_whole,
    notices,
    return_of,
    split,
)
from boss_agreements.suspensions.rules import Window
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money

JUNE_1, JUNE_14, JUNE_30 = date(2026, 6, 1), date(2026, 6, 14), date(2026, 6, 30)
JUNE = Billed(1, 10000, JUNE_1, JUNE_30)


def line_of(
    number: int = 1, price: int = 10000, months: int | None = None, billing: str = "", **values: object
) -> AgreementLine:
    schedule = parse_schedule("monthly_on_1", JUNE_1)
    made = open_line(UUID(int=number), schedule, Money(price, "USD"), JUNE_1, months, JUNE_1, billing)
    return replace(made, item=f"Item {number}", final_date=JUNE_14, **values)  # type: ignore[arg-type]


def back(
    line: AgreementLine,
    billed: Sequence[Billed] = (JUNE,),
    units: Units | None = None,
    refunds: str = PRORATED,
    **values: object,
) -> Return:
    full, windows = bool(values.get("full")), values.get("windows", ())
    return return_of(line, JUNE_1, billed, 0, units or Units(), windows, refunds, full=full)  # type: ignore[arg-type]


def test_agr_8_of_a_ten_pack_at_100_with_3_used_70_come_back() -> None:
    pack = line_of(basis="unit", units_per_cycle=Decimal(10))
    found = back(pack, units=Units(Decimal(3), Decimal(7)))
    assert (found.amount, found.units) == (Money(7000, "USD"), "7.000")


def test_agr_8_of_a_pack_that_was_paid_in_full_the_used_units_are_kept() -> None:
    pack = line_of(months=12, billing=PAID_IN_FULL, basis="unit", units_per_cycle=Decimal(10))
    found = back(pack, units=Units(Decimal(3), Decimal(0)))
    assert found.amount == Money(7000, "USD"), "paid - price x used / units, also for units that have expired"


def test_agr_8_of_what_was_paid_in_full_the_days_that_are_left_come_back() -> None:
    year = line_of(price=36500, months=12, billing=PAID_IN_FULL)
    assert back(year, [Billed(1, 36500, JUNE_1, date(2027, 5, 31))]).amount == Money(35100, "USD"), (
        "14 of 365 days used"
    )


def test_agr_8_of_instalments_what_is_paid_beyond_the_used_days_comes_back_and_never_less_than_nothing() -> None:
    year = line_of(price=3000, months=12)
    paid = [Billed(1, 3000, JUNE_1, JUNE_30)]
    assert back(year, paid).amount == Money(1619, "USD"), "30.00 - 360.00 x 14 / 365 = 16.19"
    assert back(replace(year, final_date=JUNE_30), paid).amount == Money(41, "USD")
    assert back(replace(year, final_date=date(2026, 7, 5)), paid).amount == Money(0, "USD")


def test_agr_8_suspended_days_are_neither_used_nor_part_of_the_term() -> None:
    year = line_of(price=36500, months=12, billing=PAID_IN_FULL)
    windows = (Window(JUNE_1, date(2026, 6, 8)),)
    billed = [Billed(1, 36500, JUNE_1, date(2027, 5, 31))]
    assert back(year, billed, windows=windows).amount == Money(36500 - 714, "USD"), "7 of 358 days used"


@pytest.mark.parametrize("kind", ["fee", "product"])
def test_agr_8_fees_and_products_come_back_only_with_full_refund(kind: str) -> None:
    sold = line_of(months=12, billing=PAID_IN_FULL, item_kind=kind)
    assert back(sold).amount == Money(0, "USD")
    assert back(sold, full=True).amount == Money(10000, "USD")


def test_agr_8_perpetual_time_is_billed_to_the_last_paid_day_so_nothing_comes_back_but_with_full_refund() -> None:
    assert back(line_of()).amount == Money(0, "USD")
    may = Billed(1, 10000, date(2026, 5, 1), date(2026, 5, 31))
    assert back(line_of(), [may, JUNE], full=True).amount == Money(10000, "USD"), "the cycle of the last paid day"


def test_agr_7_a_refund_reason_overrides_step_1_and_a_no_refund_reason_gives_nothing_back() -> None:
    year = line_of(price=36500, months=12, billing=PAID_IN_FULL)
    billed = [Billed(1, 36500, JUNE_1, date(2027, 5, 31))]
    assert back(year, billed, refunds=FULL).amount == Money(36500, "USD")
    assert back(year, billed, refunds=NONE, full=True).amount == Money(0, "USD")


def test_the_tax_comes_back_with_its_amount() -> None:
    pack = line_of(basis="unit", units_per_cycle=Decimal(10), tax_rate=Decimal("8.25"))
    assert back(pack, units=Units(Decimal(3), Decimal(7))).tax == Money(578, "USD")


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 50_000), st.booleans())
def test_agr_8_never_more_comes_back_than_was_billed(used: int, left: int, price: int, perpetual: bool) -> None:
    months, billing = (None, "") if perpetual else (12, PAID_IN_FULL)
    pack = line_of(price=price, months=months, billing=billing, basis="unit", units_per_cycle=Decimal(10))
    found = back(pack, [replace(JUNE, amount_minor=price)], Units(Decimal(used), Decimal(left)))
    assert 0 <= found.amount.amount_minor <= price


def open_lines() -> tuple[AgreementLine, ...]:
    required, fee = line_of(1), line_of(2, is_key_item=False)
    towels = line_of(3, is_key_item=False, is_required=False, quantity=3)
    return tuple(replace(line, final_date=None) for line in (required, fee, towels))


def test_agr_7_an_item_of_the_required_bundle_selects_all() -> None:
    lines = open_lines()
    chosen = chosen_lines(lines, [Choice(lines[1].id, full_refund=True)])
    assert [(line.id.int, choice.quantity, choice.full_refund) for line, choice in chosen] == [
        (1, 1, False),
        (2, 1, True),
        (3, 3, False),
    ]
    assert is_whole(lines, chosen)


def test_agr_7_optional_items_alone_leave_the_agreement_active() -> None:
    lines = open_lines()
    chosen = chosen_lines(lines, [Choice(lines[2].id, 2)])
    assert [(line.id.int, choice.quantity) for line, choice in chosen] == [(3, 2)]
    assert not is_whole(lines, chosen)
    found = notices([replace(lines[2], final_date=JUNE_14)], (), PRORATED, whole=False, obligation_end=None)
    assert found == ["PRORATED_FINAL_BILL", "STAYS_ACTIVE"]


@pytest.mark.parametrize("choice", [Choice(UUID(int=9)), Choice(UUID(int=3), 4), Choice(UUID(int=3), -1)])
def test_agr_7_an_item_or_a_quantity_that_is_not_there_is_refused_with_its_field(choice: Choice) -> None:
    with pytest.raises(InvalidArgument) as refused:
        chosen_lines(open_lines(), [choice])
    assert refused.value.metadata["field"] == "cancellation.items"


@given(st.integers(2, 9), st.integers(1, 8), st.integers(0, 99_999))
def test_agr_7_a_part_of_a_quantity_costs_together_with_the_rest_what_all_cost(
    of: int, quantity: int, price: int
) -> None:
    line = line_of(price=price, quantity=of, units_per_cycle=Decimal(of * 5))
    rest, taken = split(line, min(quantity, of - 1), UUID(int=8))
    assert rest.price + taken.price == line.price
    assert rest.quantity + taken.quantity == of
    assert (rest.units_per_cycle or 0) + (taken.units_per_cycle or 0) == of * 5


def test_agr_7_the_notices_warn_of_what_the_customer_has_to_hear() -> None:
    found = notices([line_of()], (), FULL, whole=True, obligation_end=JUNE_30)
    assert found == ["REFUND_OVERRIDE", "PRORATED_FINAL_BILL", "OBLIGATION_NOT_MET"]
    already_billed = replace(line_of(), next_bill_date=date(2026, 7, 1))
    assert notices([already_billed], (), PRORATED, whole=True, obligation_end=None) == []


@pytest.mark.parametrize(
    ("effective", "received", "reason"),
    [
        (date(2026, 5, 31), JUNE_1, "EFFECTIVE_DATE_IN_THE_PAST"),
        (JUNE_1, JUNE_14, "RECEIVED_IN_THE_FUTURE"),
    ],
)
def test_agr_7_days_that_cannot_be_are_refused(effective: date, received: date, reason: str) -> None:
    with pytest.raises(FailedPrecondition) as refused:
        check_dates(effective, received, JUNE_1, past_allowed=False)
    assert refused.value.reason == reason


def test_agr_7_the_received_date_may_lie_in_the_past() -> None:
    check_dates(JUNE_14, date(2026, 5, 2), JUNE_1, past_allowed=False)


def test_agr_7_the_effective_date_may_lie_in_the_past_where_the_agreement_rules_say_so() -> None:
    check_dates(date(2026, 5, 31), JUNE_1, JUNE_1, past_allowed=True)


@pytest.mark.parametrize("status", ["Final Invoiced", "Complete", "Rescinded"])
def test_agr_7_only_a_future_request_can_be_rescinded(status: str) -> None:
    check_rescind("Future", JUNE_14, JUNE_14)
    with pytest.raises(FailedPrecondition):
        check_rescind(status, JUNE_14, JUNE_1)
    with pytest.raises(FailedPrecondition, match="Only a Future request"):
        check_rescind("Future", JUNE_14, JUNE_30)
