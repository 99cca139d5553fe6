"""What goes back for an add-on that ends with its primary (SPEC AGR-6, AGR-7, AGR-8)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from agreements_club import Club, cents, fact_event, iso
from agreements_family import START, TERM_END, Family
from agreements_frozen import GOLD, Desk, access
from agreements_wizard import Wizard
from boss.agreements.v1 import activity_service_pb2
from boss.agreements.v1 import cancellation_service_pb2 as pb
from boss.events.billing.v1 import billing_events_pb2

from boss_agreements.agreements.rules import PAID_IN_FULL, AgreementLine, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.cancellations.process import return_process
from boss_agreements.cancellations.returns import RETURN_TASK
from boss_agreements.cancellations.rules import ReturnOrder
from boss_kit.ids import new_id
from boss_kit.money import Money
from boss_kit.tasks import TaskRunner

ALLOWED = activity_service_pb2.CheckInDecision.OUTCOME_ALLOWED
YEAR = 36500
MARCH_9 = 59
"""Days from January 10 to March 9, the head's last one."""


@pytest.fixture
def family(club: Club) -> Family:
    desk = Desk(club)
    made = Family(desk, desk.member("M1"), desk.member("M2"))
    club.set_clock(START)
    made.sell(on_expiry="follow")
    return made


def year(billing: str = PAID_IN_FULL, **values: Any) -> AgreementLine:
    """Make a year of access at $365.00, paid at once, with a tax of ten percent."""
    start = date.fromisoformat(START)
    schedule = parse_schedule("monthly_anniversary", start)
    line = open_line(new_id(), schedule, Money(YEAR, "USD"), start, 12, start, billing)
    return replace(line, **({"item": "Year", "item_category": "Dues", "tax_rate": Decimal(10)} | values))


def returns_of(family: Family, add_on: str) -> list[pb.Cancellation]:
    request = pb.ListCancellationsRequest(parent=family.desk.club.unit, agreement=add_on)
    return list(Wizard(family.desk.club).service.ListCancellations(request).cancellations)


def test_agr_6_agr_8_what_was_paid_in_full_beyond_the_end_goes_back_prorated_with_its_tax(family: Family) -> None:
    add_on = family.add_on_of(year())
    family.play(START, "2026-02-10")
    family.desk.club.run_day("2026-03-09")
    assert returns_of(family, add_on) == []
    family.desk.club.run_day(TERM_END)
    (made,) = returns_of(family, add_on)
    assert (made.status, made.return_state, made.reason, made.reason_id) == (
        "Final Invoiced",
        "requested",
        "Ended with its primary",
        "",
    )
    assert (iso(made.effective_date), made.whole_agreement) == ("2026-03-09", False)
    left = YEAR - MARCH_9 * 100
    assert [(one.item, cents(one.return_amount), cents(one.return_tax)) for one in made.items] == [
        ("Year", left, left // 10)
    ]
    assert family.desk.agreement(add_on).status == "Expired"


def test_agr_6_agr_7_the_return_of_an_add_on_is_asked_of_billing_as_credit_and_completes(family: Family) -> None:
    add_on = family.add_on_of(year())
    family.play(START, "2026-02-10", TERM_END)
    orders: list[ReturnOrder] = []

    class Billing:
        def create_return(self, order: ReturnOrder) -> str:
            orders.append(order)
            return "accounts/1/returns/1"

    units = family.desk.club.units
    while TaskRunner(units.engine, {RETURN_TASK: return_process(units, Billing())}).run_one():
        pass
    (order,) = orders
    assert (order.destination, order.reason) == ("account credit", "Cancellation: Ended with its primary")
    assert [(one.item, one.amount.amount_minor) for one in order.lines] == [("Year", YEAR - MARCH_9 * 100)]
    (done,) = returns_of(family, add_on)
    assert (done.status, done.return_state, iso(done.complete_date)) == ("Complete", "finalized", TERM_END)


@pytest.mark.parametrize("refused", [False, True])
def test_agr_6_agr_8_an_instalment_that_is_still_owed_counts_once_it_is_billed(family: Family, refused: bool) -> None:
    price = 3650
    add_on = family.add_on_of(year("instalment", price=Money(price, "USD"), tax_rate=Decimal(0)))
    family.play(START)
    family.desk.club.run_day("2026-02-10")
    owed = [one for one in family.desk.due("2026-02-10") if add_on.endswith(one.agreement_id)]
    family.desk.answer([one for one in family.desk.due("2026-02-10") if one not in owed], "2026-02-10")
    family.desk.club.run_day(TERM_END)
    assert family.desk.agreement(add_on).status == "Active", "its last bill is on its way"
    assert [one.return_state for one in returns_of(family, add_on)] == [""]
    if refused:
        fact = billing_events_pb2.ChargeRefused(charge_key=owed[0].charge_key, agreement=add_on, reason="No")
        family.desk.club.feed(fact_event("billing", fact, UUID(owed[0].account_id), TERM_END))
    else:
        family.desk.answer(owed, TERM_END)
    family.desk.club.run_day("2026-03-11")
    (made,) = returns_of(family, add_on)
    used = round(12 * price * MARCH_9 / 365)
    expected = ("Complete", 0) if refused else ("Final Invoiced", 2 * price - used)
    assert (made.status, cents(made.amount_due_to_customer)) == expected


def test_agr_6_agr_8_units_that_are_left_go_back_and_days_of_perpetual_access_do_not(club: Club) -> None:
    desk, later = Desk(club), "2026-01-20"
    family = Family(desk, desk.member("M1"), desk.member("M2"))
    club.set_clock(START)
    family.sell(start=later, on_expiry="follow")
    family.play(START, later, "2026-02-10", "2026-02-20")
    assert family.desk.redeem(family.owner).outcome == ALLOWED
    family.desk.club.run_day(TERM_END)
    (made,) = returns_of(family, family.add_on)
    assert [(one.item, cents(one.return_amount), one.unused_units) for one in made.items] == [
        (GOLD, 0, ""),
        ("Training", 7500, "3.000"),
    ]


def test_agr_6_an_add_on_of_which_nothing_is_left_gives_nothing_back(family: Family) -> None:
    family.play(START, "2026-02-10", TERM_END)
    assert family.status() == ("Expired", "Expired")
    assert returns_of(family, family.add_on) == []


def test_agr_6_agr_8_what_was_suspended_of_a_term_counts_as_neither_used_nor_sold(family: Family) -> None:
    add_on = family.add_on_of(year())
    family.play(START)
    family.desk.suspend("2026-02-01", "2026-02-11", agreement=add_on)
    family.play("2026-02-10", "2026-02-11", TERM_END)
    (made,) = returns_of(family, add_on)
    used = round(YEAR * (MARCH_9 - 10) / (365 - 10))
    assert [cents(one.return_amount) for one in made.items] == [YEAR - used]


def test_agr_6_nothing_goes_back_where_add_ons_stay(club: Club) -> None:
    desk = Desk(club)
    family = Family(desk, desk.member("M1"), desk.member("M2"))
    club.set_clock(START)
    family.sell()
    add_on = family.add_on_of(access(new_id(), START))
    family.play(START, "2026-02-10", TERM_END)
    assert family.status() == ("Expired", "Active")
    assert returns_of(family, add_on) == []
