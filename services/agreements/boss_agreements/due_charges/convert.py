"""Due charges, to protos."""

from datetime import date
from fractions import Fraction
from functools import lru_cache

from boss.agreements.v1 import due_charge_service_pb2 as pb
from google.type import date_pb2, money_pb2

from boss_agreements.due_charges.queries import DuePage
from boss_agreements.due_charges.rules import Charge, Skip
from boss_agreements.due_charges.store import DueLine
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_to_proto


def page(found: DuePage, next_page_token: str) -> pb.ListDueChargesResponse:
    """Write a page."""
    return pb.ListDueChargesResponse(
        charges=[_charge(line, charge) for line, charge in found.charges],
        skipped=[_skipped(line, skip) for line, skip in found.skipped],
        next_page_token=next_page_token,
    )


def _charge(line: DueLine, charge: Charge) -> pb.DueCharge:
    return pb.DueCharge(
        charge_key=charge.key,
        account_id=str(line.account_id),
        agreement_id=str(line.agreement_id),
        agreement_number=line.number,
        due_date=_date(charge.due_date),
        period_start_date=_date(charge.period_start),
        period_end_date=_date(charge.period_end),
        amount=_money(charge.amount),
        tax=_money(charge.tax),
        description=_description(line.item, charge.units, charge.period_start, charge.period_end),
        item_category=line.item_category,
        item=line.item,
    )


# Most charges of a page have the same days, amounts and items.
@lru_cache(maxsize=4096)
def _description(item: str, units: Fraction | None, start: date, end: date) -> str:
    """Say what is paid for; a prorated item that is sold by units says how many, to three decimals (SPEC AGR-8)."""
    what = item if units is None else f"{item}, {float(units):.3f} units"
    return f"{what}, {start} to {end}"


@lru_cache(maxsize=4096)
def _date(day: date) -> date_pb2.Date:
    written = date_to_proto(day)
    assert written is not None
    return written


@lru_cache(maxsize=16384)
def _money(amount: Money) -> money_pb2.Money:
    return money_to_proto(amount)


def _skipped(line: DueLine, skip: Skip) -> pb.SkippedCharge:
    return pb.SkippedCharge(
        account_id=str(line.account_id),
        agreement_id=str(line.agreement_id),
        agreement_number=line.number,
        reason=skip.reason,
        description=skip.description,
    )
