"""A made-up agreement, to show a template by. Pure."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from boss_agreements.agreements.rules import ONCE, AgreementLine, Tax, open_line
from boss_agreements.agreements.schedules import parse_schedule
from boss_agreements.documents.rules import Signed, Subject
from boss_agreements.drafts.pricing import bill_dates
from boss_agreements.drafts.rules import SaleCharge
from boss_agreements.due_charges.rules import next_charge
from boss_agreements.members.rules import Contact, Member
from boss_kit.ids import derived_id
from boss_kit.money import Money

_NOBODY = UUID(int=0)
_TAX = Tax("Sales tax", Decimal("8.25"))


def sample(club: str, currency: str, today: date) -> Subject:
    """Make up an agreement sold today: monthly access at a promotion's price, a locker and an enrolment fee."""
    access = _line(1, "Club access", Money(4900, currency), today, is_key_item=True, bundle="Gold", taxes=(_TAX,))
    lines = (
        replace(access, price=Money(3900, currency), promotion="New Year"),
        _line(2, "Locker", Money(1200, currency), today, bundle="Gold"),
        _line(3, "Enrolment fee", Money(5900, currency), today, billing=ONCE),
    )
    due = [charge for line in lines if (charge := _due(line))]
    paid = {charge.key for charge in due}
    return Subject(
        club,
        "10482",
        "Gold Monthly",
        "Membership",
        "Full access",
        "Primary",
        today,
        None,
        None,
        today,
        _member(today),
        (),
        ("Sam Advisor",),
        lines,
        due,
        "CARD",
        today,
        tuple(bill_dates(lines, paid, currency)),
        Signed("", None, ""),
    )


def _line(number: int, item: str, price: Money, start: date, *, billing: str = "", **values: Any) -> AgreementLine:
    schedule = parse_schedule("monthly_anniversary", start)
    line = open_line(derived_id(_NOBODY, "sample", str(number)), schedule, price, start, None, start, billing)
    rate = sum((tax.percent for tax in values.get("taxes", ())), Decimal(0))
    return replace(line, item=item, list_price=price, tax_rate=rate, **{"is_key_item": False} | values)


def _due(line: AgreementLine) -> SaleCharge | None:
    charge = next_charge(line, ())
    if charge is None:
        return None
    return SaleCharge(
        charge.key, line.item, line.item, "", charge.period_start, charge.period_end, charge.amount, charge.tax
    )


def _member(today: date) -> Member:
    ways = (
        Contact(_NOBODY, "email", "jordan@example.com", (), primary=True),
        Contact(_NOBODY, "address", "", ("2581 Park St", "Springfield, CO 80202"), primary=True),
    )
    made = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return Member(
        _NOBODY,
        _NOBODY,
        _NOBODY,
        "M-1001",
        _NOBODY,
        "Jordan",
        "Sample",
        None,
        "UTC",
        do_not_call=False,
        sms_opt_out=False,
        notes="",
        version=1,
        create_time=made,
        contacts=ways,
    )
