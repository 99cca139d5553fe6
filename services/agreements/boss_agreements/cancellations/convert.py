"""Cancellations, to and from protos."""

from uuid import UUID

from boss.agreements.v1 import cancellation_service_pb2 as pb

from boss_agreements.cancellations.queries import Plan, RequestCancellation
from boss_agreements.cancellations.rules import FOLLOWED, NOTICES, CancelledLine, Choice, charges_to_come
from boss_agreements.cancellations.store import Cancellation
from boss_agreements.due_charges.rules import Charge
from boss_kit import names
from boss_kit.money import Money
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto, time_to_proto

UNIT = "enterprises/{e}/businessUnits/{b}"
AGREEMENT = UNIT + "/agreements/{a}"
CANCELLATION = UNIT + "/cancellations/{c}"
FUNDING_SOURCE = UNIT + "/accounts/{a}/fundingSources/{f}"


def request(parent: str, asked: pb.Cancellation) -> RequestCancellation:
    """Read what is asked for."""
    unit = names.parse(UNIT, parent, "parent")
    received = (
        date_from_proto(asked.received_date, "cancellation.received_date") if asked.HasField("received_date") else None
    )
    return RequestCancellation(
        unit["e"],
        unit["b"],
        names.parse(AGREEMENT, asked.agreement, "cancellation.agreement")["a"],
        date_from_proto(asked.effective_date, "cancellation.effective_date"),
        received,
        tuple(Choice(UUID(item.line_id), item.quantity, item.full_refund) for item in asked.items),
        UUID(asked.reason_id),
        asked.comments,
        asked.exception_reason,
        asked.exception_value,
        asked.exception_comments,
        funding_source(asked.funding_source, "cancellation.funding_source"),
    )


def funding_source(name: str, field: str) -> str:
    """Give the name of a funding source, if it is one. Raises InvalidArgument."""
    if name:
        names.parse(FUNDING_SOURCE, name, field)
    return name


def cancellation(one: Cancellation, currency: str) -> pb.Cancellation:
    """Write a request."""
    unit = f"enterprises/{one.enterprise_id}/businessUnits/{one.business_unit_id}"
    return pb.Cancellation(
        name=f"{unit}/cancellations/{one.id}",
        agreement=f"{unit}/agreements/{one.agreement_id}",
        status=one.status,
        effective_date=date_to_proto(one.effective_date),
        received_date=date_to_proto(one.received_date),
        items=[_item(line, currency) for line in one.lines],
        reason_id=str(one.reason_id) if one.reason_id != FOLLOWED else "",
        reason=one.reason,
        comments=one.comments,
        exception_reason=one.exception_reason,
        exception_value=one.exception_value,
        exception_comments=one.exception_comments,
        funding_source=one.funding_source,
        whole_agreement=one.whole,
        amount_due_to_customer=money_to_proto(Money(one.return_total_minor, currency)),
        return_state=one.return_state,
        return_name=one.return_name,
        return_error=one.return_error,
        create_time=time_to_proto(one.create_time),
        complete_date=date_to_proto(one.complete_date),
    )


def preview(asked: RequestCancellation, plan: Plan) -> pb.CancellationPreview:
    """Write what a request would do."""
    owner, due = plan.agreement, plan.amount_due
    unit = f"enterprises/{owner.enterprise_id}/businessUnits/{owner.business_unit_id}"
    found = pb.Cancellation(
        agreement=f"{unit}/agreements/{owner.id}",
        effective_date=date_to_proto(plan.effective_date),
        received_date=date_to_proto(plan.received_date),
        items=[_item(one.item, due.currency) for one in plan.lines],
        reason_id=str(plan.reason.id),
        reason=plan.reason.name,
        comments=asked.comments,
        exception_reason=asked.exception_reason,
        exception_value=asked.exception_value,
        exception_comments=asked.exception_comments,
        funding_source=asked.funding_source,
        whole_agreement=plan.whole,
        amount_due_to_customer=money_to_proto(due),
    )
    charges = [
        (one.item, charge)
        for one in plan.lines
        for charge in charges_to_come(one.after, plan.windows, plan.effective_date)
    ]
    return pb.CancellationPreview(
        cancellation=found,
        notices=[pb.CancellationNotice(code=code, text=NOTICES[code]) for code in plan.notices],
        final_charges=[_charge(*one) for one in sorted(charges, key=lambda one: one[1].due_date)],
    )


def _item(line: CancelledLine, currency: str) -> pb.CancelledItem:
    return pb.CancelledItem(
        line_id=str(line.line_id),
        quantity=line.quantity,
        full_refund=line.full_refund,
        item=line.item,
        return_amount=money_to_proto(Money(line.return_amount_minor, currency)),
        return_tax=money_to_proto(Money(line.return_tax_minor, currency)),
        unused_units=line.return_units,
    )


def _charge(line: CancelledLine, charge: Charge) -> pb.FinalCharge:
    return pb.FinalCharge(
        line_id=str(line.line_id),
        item=line.item,
        due_date=date_to_proto(charge.due_date),
        period_end_date=date_to_proto(charge.period_end),
        amount=money_to_proto(charge.amount),
        tax=money_to_proto(charge.tax),
        units="" if charge.units is None else f"{float(charge.units):.3f}",
    )
