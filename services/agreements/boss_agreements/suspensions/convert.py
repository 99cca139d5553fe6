"""Suspensions, to and from protos."""

from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

from boss.agreements.v1 import agreement_service_pb2 as pb
from boss.agreements.v1 import suspension_service_pb2 as own_pb

from boss_agreements.activities.convert import units_to_text
from boss_agreements.agreements.store import Agreement
from boss_agreements.reasons.rules import SuspensionReason
from boss_agreements.suspensions import rules
from boss_agreements.suspensions.commands import COMMENTS, END, START, RescindSuspension, UpdateSuspension
from boss_agreements.suspensions.previews import AffectedActivity, AffectedAgreement, Bill, Preview
from boss_agreements.suspensions.queries import Detailed
from boss_agreements.suspensions.requests import CreateSuspension
from boss_agreements.suspensions.rules import Effects, SuspensionFee, status_in_words
from boss_agreements.suspensions.store import Suspension
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.convert import (
    date_from_proto,
    date_to_proto,
    money_to_proto,
    optional_date_from_proto,
    time_to_proto,
)

UNIT = "enterprises/{e}/businessUnits/{b}"
MEMBER = UNIT + "/members/{m}"
ACCOUNT = UNIT + "/accounts/{a}"
AGREEMENT = UNIT + "/agreements/{a}"
SUSPENSION = UNIT + "/suspensions/{s}"
_TARGETS = {
    rules.AGREEMENT: ("agreement", AGREEMENT, "a"),
    rules.MEMBER: ("member", MEMBER, "m"),
    rules.ACCOUNT: ("account", ACCOUNT, "a"),
}


def create_suspension(parent: str, asked: pb.Suspension, *, may_except: bool) -> CreateSuspension:
    """Read what is asked for. Raises InvalidArgument."""
    unit = names.parse(UNIT, parent, "parent")
    applied_to = asked.applied_to or rules.AGREEMENT
    rules.check_applied_to(applied_to)
    return CreateSuspension(
        unit["e"],
        unit["b"],
        _target(unit["b"], asked, applied_to),
        asked.type,
        date_from_proto(asked.start_date, "suspension.start_date"),
        _optional_day(asked, "end_date"),
        asked.reason,
        asked.comments,
        applied_to,
        _reason_id(asked.suspension_reason),
        _optional_day(asked, "received_date"),
        asked.exception_reason,
        asked.exception_value,
        asked.exception_comments,
        asked.adjustment_reason,
        _optional_day(asked, "adjustment_credit_date"),
        may_except,
    )


def update_suspension(request: own_pb.UpdateSuspensionRequest) -> UpdateSuspension:
    """Read what is to change. Raises InvalidArgument for a field that can't."""
    asked, fields = request.suspension, frozenset(request.update_mask.paths)
    ids = names.parse(SUSPENSION, asked.name, "suspension.name")
    odd = sorted(fields - {START, END, COMMENTS})
    if odd or not fields:
        raise InvalidArgument.field(
            "update_mask", f"names {', '.join(odd) or 'nothing'}; only start_date, end_date and comments can change."
        )
    return UpdateSuspension(
        ids["e"],
        ids["b"],
        ids["s"],
        fields,
        date_from_proto(asked.start_date, "suspension.start_date") if START in fields else None,
        _optional_day(asked, "end_date"),
        asked.comments,
        optional_date_from_proto(request, "received_date"),
    )


def end_suspension(request: pb.EndSuspensionRequest) -> UpdateSuspension:
    """Read a new first day back."""
    ids = names.parse(SUSPENSION, request.name)
    end = date_from_proto(request.end_date, "end_date")
    return UpdateSuspension(ids["e"], ids["b"], ids["s"], frozenset({END}), end_date=end)


def rescind_suspension(request: own_pb.RescindSuspensionRequest) -> RescindSuspension:
    """Read what is taken back."""
    ids = names.parse(SUSPENSION, request.name)
    return RescindSuspension(ids["e"], ids["b"], ids["s"])


def suspension(found: Detailed) -> pb.Suspension:
    """Write a suspension with its details."""
    one = found.suspension
    unit = unit_name(one.enterprise_id, one.business_unit_id)
    message = _suspension(one)
    message.name = f"{unit}/suspensions/{one.id}"
    if found.reason is not None:
        message.suspension_reason = _reason_name(found.reason)
    message.covered.extend(map(_covered, found.covered))
    return message


def preview(found: Preview, asked_reason: str) -> own_pb.SuspensionPreview:
    """Write what a suspension would do."""
    shown = _suspension(found.suspension)
    shown.suspension_reason = asked_reason
    return own_pb.SuspensionPreview(
        suspension=shown,
        effects=found.effects,
        agreements=map(_affected, found.agreements),
        activities=map(_activity, found.activities),
    )


def unit_name(enterprise_id: UUID, unit_id: UUID) -> str:
    """Write a unit's name."""
    return f"enterprises/{enterprise_id}/businessUnits/{unit_id}"


def _target(unit_id: UUID, asked: pb.Suspension, applied_to: str) -> UUID:
    field, pattern, key = _TARGETS[applied_to]
    ids = names.parse(pattern, getattr(asked, field), f"suspension.{field}")
    if ids["b"] != unit_id:
        raise InvalidArgument.field(f"suspension.{field}", "is of another business unit than parent.")
    return ids[key]


def _reason_id(name: str) -> UUID | None:
    """Read a reason's id: a reason may be the unit's own or the enterprise's."""
    if not name:
        return None
    pattern = UNIT if "/businessUnits/" in name else "enterprises/{e}"
    return names.parse(f"{pattern}/suspensionReasons/{{r}}", name, "suspension.suspension_reason")["r"]


def _reason_name(reason: SuspensionReason) -> str:
    """Name a reason: the unit's own, or the enterprise's that all units see."""
    owner = f"enterprises/{reason.enterprise_id}"
    if reason.business_unit_id is not None:
        owner = unit_name(reason.enterprise_id, reason.business_unit_id)
    return f"{owner}/suspensionReasons/{reason.id}"


def _suspension(one: Suspension) -> pb.Suspension:
    unit = unit_name(one.enterprise_id, one.business_unit_id)
    return pb.Suspension(
        agreement=f"{unit}/agreements/{one.agreement_id}" if one.agreement_id else "",
        member=f"{unit}/members/{one.member_id}" if one.member_id else "",
        account=f"{unit}/accounts/{one.account_id}",
        applied_to=one.applied_to,
        type=one.type,
        status=status_in_words(one.status, one.reason),
        start_date=date_to_proto(one.start_date),
        end_date=date_to_proto(one.end_date),
        reason=one.reason,
        comments=one.comments,
        received_date=date_to_proto(one.received_date),
        exception_reason=one.exception_reason,
        exception_value=one.exception_value,
        exception_comments=one.exception_comments,
        adjustment_reason=one.adjustment_reason,
        adjustment_credit_date=date_to_proto(one.adjustment_credit_date),
        entered_by=one.entered_by,
        approved_by=one.approved_by,
        create_time=time_to_proto(one.create_time),
        effects=_effects(one.effects),
    )


def _effects(effects: Effects) -> pb.Suspension.Effects:
    return pb.Suspension.Effects(
        stop_billing=effects.stop_billing,
        prevent_activity_use=effects.prevent_activity_use,
        extend_availability=effects.extend_availability,
        extend_obligation=effects.extend_obligation,
        freeze_charge=_fee(effects.freeze_charge),
        recurring_charge=_fee(effects.recurring_charge),
    )


def _fee(fee: SuspensionFee | None) -> pb.Suspension.Fee | None:
    if fee is None:
        return None
    percent = sum((percent for _, percent in fee.taxes), Decimal(0))
    return pb.Suspension.Fee(item=fee.item, amount=money_to_proto(fee.price), tax_percent=units_to_text(percent))


def _covered(one: Agreement) -> pb.Suspension.Covered:
    unit = unit_name(one.enterprise_id, one.business_unit_id)
    return pb.Suspension.Covered(
        agreement=f"{unit}/agreements/{one.id}",
        number=one.number,
        display_name=one.display_name,
        status=one.status,
        next_bill_date=date_to_proto(one.due_date),
        obligation_end_date=date_to_proto(one.obligation_end_date),
    )


def _affected(one: AffectedAgreement) -> own_pb.SuspensionPreview.AffectedAgreement:
    return own_pb.SuspensionPreview.AffectedAgreement(
        agreement=_covered(one.agreement),
        bills=map(_bill, one.bills),
        new_obligation_end_date=date_to_proto(one.new_obligation_end_date),
    )


def _bill(bill: Bill) -> own_pb.SuspensionPreview.Bill:
    charge = bill.charge
    return own_pb.SuspensionPreview.Bill(
        due_date=date_to_proto(charge.due_date),
        item=bill.item,
        amount=money_to_proto(charge.amount),
        tax=money_to_proto(charge.tax),
        fee=bill.is_fee,
        period_end_date=date_to_proto(charge.period_end),
    )


def _activity(one: AffectedActivity) -> own_pb.SuspensionPreview.AffectedActivity:
    return own_pb.SuspensionPreview.AffectedActivity(
        item=one.activity.item,
        remaining_units=units_to_text(one.activity.remaining),
        expiry_date=date_to_proto(one.activity.expiry_date),
        new_expiry_date=date_to_proto(one.new_expiry_date),
        locked=one.locked,
    )


def _optional_day(
    asked: pb.Suspension, field: Literal["end_date", "received_date", "adjustment_credit_date"]
) -> date | None:
    return date_from_proto(getattr(asked, field), f"suspension.{field}") if asked.HasField(field) else None
