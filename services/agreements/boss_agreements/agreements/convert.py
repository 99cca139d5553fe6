"""Agreements, to and from protos."""

from uuid import UUID

from boss.agreements.v1 import agreement_service_pb2 as pb

from boss_agreements.agreements.commands import CreateAgreement
from boss_agreements.agreements.rules import AgreementLine, recurring_price
from boss_agreements.agreements.store import Agreement
from boss_kit import names
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_from_proto, money_to_proto, time_to_proto

UNIT = "enterprises/{e}/businessUnits/{b}"
MEMBER = UNIT + "/members/{m}"
ACCOUNT = UNIT + "/accounts/{a}"
AGREEMENT = UNIT + "/agreements/{a}"


def create_agreement(request: pb.CreateAgreementRequest) -> CreateAgreement:
    """Read what was agreed."""
    unit, asked = names.parse(UNIT, request.parent, "parent"), request.agreement
    account = names.parse(ACCOUNT, asked.account, "agreement.account")["a"] if asked.account else None
    obligation_end = (
        date_from_proto(asked.obligation_end_date, "agreement.obligation_end_date")
        if asked.HasField("obligation_end_date")
        else None
    )
    return CreateAgreement(
        unit["e"],
        unit["b"],
        names.parse(MEMBER, asked.member, "agreement.member")["m"],
        account,
        asked.display_name,
        asked.agreement_type,
        money_from_proto(asked.price, "agreement.price"),
        asked.schedule,
        asked.term,
        date_from_proto(asked.start_date, "agreement.start_date"),
        obligation_end,
    )


def agreement(one: Agreement) -> pb.Agreement:
    """Write an agreement."""
    unit = unit_name(one.enterprise_id, one.business_unit_id)
    return pb.Agreement(
        name=f"{unit}/agreements/{one.id}",
        number=one.number,
        member=f"{unit}/members/{one.member_id}",
        account=f"{unit}/accounts/{one.account_id}",
        display_name=one.display_name,
        agreement_type=one.agreement_type,
        status=one.status,
        price=money_to_proto(recurring_price(one.lines)),
        schedule=one.key_line.schedule.name,
        term=one.term,
        start_date=date_to_proto(one.start_date),
        obligation_end_date=date_to_proto(one.obligation_end_date),
        next_bill_date=date_to_proto(one.due_date),
        create_time=time_to_proto(one.create_time),
        etag=f"{one.version}.{sum(line.cycle_no for line in one.lines)}",
        lines=[_line(line) for line in one.lines],
        role=one.role,
        pending_cancellation=one.pending_cancellation,
        pending_suspension=one.pending_suspension,
        cancel_date=date_to_proto(one.cancel_date),
        rewritten_from=_other(unit, one.rewritten_from_id),
        rewritten_to=_other(unit, one.rewritten_to_id),
        primary_agreement=_other(unit, one.primary_agreement_id),
        location=f"{unit}/locations/{one.location_id}" if one.location_id else "",
    )


def _other(unit: str, agreement_id: UUID | None) -> str:
    return f"{unit}/agreements/{agreement_id}" if agreement_id else ""


def _line(line: AgreementLine) -> pb.AgreementLine:
    return pb.AgreementLine(
        line_id=str(line.id),
        item=line.item,
        bundle=line.bundle,
        item_kind=line.item_kind,
        item_category=line.item_category,
        is_key_item=line.is_key_item,
        is_required=line.is_required,
        quantity=line.quantity,
        billing=line.billing,
        price=money_to_proto(line.price),
        tax_percent=str(line.tax_rate),
        schedule=line.schedule.name,
        next_bill_date=date_to_proto(line.due_date),
        remaining_cycles=line.remaining_cycles,
        final_date=date_to_proto(line.final_date),
        state=line.state,
    )


def unit_name(enterprise_id: UUID, unit_id: UUID) -> str:
    """Write a unit's name."""
    return f"enterprises/{enterprise_id}/businessUnits/{unit_id}"
