"""Activities and check-ins, to and from protos."""

from decimal import Decimal, InvalidOperation
from uuid import UUID

from boss.agreements.v1 import activity_service_pb2 as pb

from boss_agreements.activities.commands import PurchaseActivity
from boss_agreements.activities.queries import SeenActivity
from boss_agreements.check_ins import rules as check_ins
from boss_agreements.check_ins.commands import SetCheckInAction, UseActivity
from boss_agreements.check_ins.store import CheckIn
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.convert import date_from_proto, date_to_proto, time_to_proto

UNIT = "enterprises/{e}/businessUnits/{b}"
MEMBER = UNIT + "/members/{m}"
_OUTCOMES = {
    check_ins.ALLOWED: pb.CheckInDecision.OUTCOME_ALLOWED,
    check_ins.DENIED: pb.CheckInDecision.OUTCOME_DENIED,
}


def purchase_activity(request: pb.CreateActivityPurchaseRequest) -> PurchaseActivity:
    """Read what was bought. Raises InvalidArgument."""
    ids, asked = names.parse(MEMBER, request.parent, "parent"), request.activity
    has_start = asked.HasField("valid_from_date")
    return PurchaseActivity(
        ids["e"],
        ids["b"],
        ids["m"],
        asked.item,
        asked.kind,
        units_from_text(asked.granted_units, "activity.granted_units") if asked.granted_units else None,
        date_from_proto(asked.valid_from_date, "activity.valid_from_date") if has_start else None,
        date_from_proto(asked.expiry_date, "activity.expiry_date"),
    )


def check_in(request: pb.CheckInRequest) -> UseActivity:
    """Read who wants in."""
    ids = names.parse(MEMBER, request.member, "member")
    return UseActivity(ids["e"], ids["b"], ids["m"], check_ins.CHECK_IN, request.item, Decimal(1))


def redeem(request: pb.RedeemRequest) -> UseActivity:
    """Read what is redeemed. Raises InvalidArgument."""
    ids = names.parse(MEMBER, request.member, "member")
    units = units_from_text(request.units, "units") if request.units else Decimal(1)
    return UseActivity(ids["e"], ids["b"], ids["m"], check_ins.REDEMPTION, request.item, units)


def set_action(request: pb.UpdateCheckInActionRequest) -> SetCheckInAction:
    """Read what a unit does with people of a status."""
    ids, asked = names.parse(UNIT, request.parent, "parent"), request.check_in_action
    return SetCheckInAction(ids["e"], ids["b"], asked.status, asked.action)


def activity(seen: SeenActivity) -> pb.Activity:
    """Write an activity."""
    one = seen.activity
    unit = _unit_name(one.enterprise_id, one.business_unit_id)
    return pb.Activity(
        name=f"{unit}/activities/{one.id}",
        member=f"{unit}/members/{one.member_id}",
        agreement=f"{unit}/agreements/{one.agreement_id}" if one.agreement_id else "",
        item=one.item,
        kind=one.kind,
        granted_units=units_to_text(one.granted),
        remaining_units=units_to_text(one.remaining),
        valid_from_date=date_to_proto(one.valid_from),
        expiry_date=date_to_proto(one.expiry_date),
        paid_expiry_date=date_to_proto(one.paid_expiry_date),
        locked=seen.lock is not None,
        locked_until_date=date_to_proto(seen.lock.end if seen.lock else None),
        revoked_date=date_to_proto(one.revoked_date),
        revoke_reason=one.revoke_reason,
        create_time=time_to_proto(one.create_time),
    )


def decision(one: CheckIn) -> pb.CheckInDecision:
    """Write what was decided."""
    unit = _unit_name(one.enterprise_id, one.business_unit_id)
    return pb.CheckInDecision(
        name=f"{unit}/checkIns/{one.id}",
        member=f"{unit}/members/{one.member_id}",
        kind=one.kind,
        item=one.item,
        units=units_to_text(one.units),
        outcome=_OUTCOMES[one.outcome],
        reason=one.reason,
        description=one.text,
        activity=f"{unit}/activities/{one.activity_id}" if one.activity_id else "",
        business_date=date_to_proto(one.business_date),
        create_time=time_to_proto(one.create_time),
        entered_by=one.entered_by,
    )


def units_to_text(units: Decimal | None) -> str:
    """Write units without needless zeros; none is unlimited."""
    return "" if units is None else f"{units.normalize():f}"


def units_from_text(text: str, field: str) -> Decimal:
    """Read units such as `1` or `4.667`. Raises InvalidArgument."""
    try:
        units = Decimal(text)
    except InvalidOperation:
        raise InvalidArgument.field(field, f"{text[:40]!r} is not a number; write it like 1 or 0.5.") from None
    if not units.is_finite():
        raise InvalidArgument.field(field, f"{text[:40]!r} is not a number; write it like 1 or 0.5.")
    return units


def _unit_name(enterprise_id: UUID, unit_id: UUID) -> str:
    return f"enterprises/{enterprise_id}/businessUnits/{unit_id}"
