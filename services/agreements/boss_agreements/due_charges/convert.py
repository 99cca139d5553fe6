"""Due charges, to protos."""

from datetime import date
from fractions import Fraction
from functools import lru_cache

from boss.agreements.v1 import due_charge_service_pb2 as pb

from boss_agreements.due_charges.queries import Due, DuePage
from boss_agreements.due_charges.rules import Skip, charge_key
from boss_agreements.due_charges.store import DueLine
from boss_kit.rpc.convert import date_to_proto, money_to_proto


def page(found: DuePage, next_page_token: str) -> pb.ListDueChargesResponse:
    """Write a page."""
    response = pb.ListDueChargesResponse(
        skipped=[_skipped(line, skip) for line, skip in found.skipped], next_page_token=next_page_token
    )
    for line, due in found.charges:
        message = response.charges.add()
        message.MergeFromString(_alike(due))
        message.charge_key = charge_key(line.id, line.cycle_no + due.charge.cycle_no, due.charge.kind)
        message.account_id = line.account_id
        message.agreement_id = line.agreement_id
        message.agreement_number = line.number
    return response


@lru_cache(maxsize=16384)
def _alike(due: Due) -> bytes:
    """Write what many charges say alike: a message merged from its bytes costs a fifth of one made of its parts."""
    terms, charge = due.terms, due.charge
    message = pb.DueCharge(
        due_date=date_to_proto(charge.due_date),
        period_start_date=date_to_proto(charge.period_start),
        period_end_date=date_to_proto(charge.period_end),
        amount=money_to_proto(charge.amount),
        tax=money_to_proto(charge.tax),
        description=_description(terms.item, charge.units, charge.period_start, charge.period_end),
        item_category=terms.item_category,
        item=terms.item,
    )
    return message.SerializeToString()


def _description(item: str, units: Fraction | None, start: date, end: date) -> str:
    """Say what is paid for; a prorated item that is sold by units says how many, to three decimals (SPEC AGR-8)."""
    what = item if units is None else f"{item}, {float(units):.3f} units"
    return f"{what}, {start} to {end}"


def _skipped(line: DueLine, skip: Skip) -> pb.SkippedCharge:
    return pb.SkippedCharge(
        account_id=line.account_id,
        agreement_id=line.agreement_id,
        agreement_number=line.number,
        reason=skip.reason,
        description=skip.description,
    )
