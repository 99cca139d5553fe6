"""Due charges, to protos."""

from boss.agreements.v1 import due_charge_service_pb2 as pb

from boss_agreements.due_charges.queries import DuePage
from boss_agreements.due_charges.rules import Charge, Skip
from boss_agreements.due_charges.store import DueLine
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
        due_date=date_to_proto(charge.due_date),
        period_start_date=date_to_proto(charge.period_start),
        period_end_date=date_to_proto(charge.period_end),
        amount=money_to_proto(charge.amount),
        tax=money_to_proto(charge.tax),
        description=f"{_what(line, charge)}, {charge.period_start} to {charge.period_end}",
        item_category=line.item_category,
        item=line.item,
    )


def _what(line: DueLine, charge: Charge) -> str:
    """Name the item; a prorated one that is sold by units with its units, to three decimals (SPEC AGR-8)."""
    return line.item if charge.units is None else f"{line.item}, {round(float(charge.units), 3)} units"


def _skipped(line: DueLine, skip: Skip) -> pb.SkippedCharge:
    return pb.SkippedCharge(
        account_id=str(line.account_id),
        agreement_id=str(line.agreement_id),
        agreement_number=line.number,
        reason=skip.reason,
        description=skip.description,
    )
