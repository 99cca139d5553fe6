"""Returns and refunds, from and to protos."""

from typing import Any
from uuid import UUID

from boss.billing.v1 import refund_service_pb2 as pb

from boss_billing.accounts.convert import account_ref
from boss_billing.accounts.rules import AccountRef
from boss_billing.funding.rules import SOURCE_NAME
from boss_billing.invoices.convert import agreement_id
from boss_billing.refunds.commands import CreateRefund, CreateReturn
from boss_billing.refunds.queries import RefundView, ReturnView
from boss_billing.refunds.rules import Destination, RefundState, ReturnLine
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.money import Money
from boss_kit.rpc.convert import date_to_proto, money_from_proto, money_to_proto, time_to_proto

_DESTINATIONS = {
    pb.REFUND_DESTINATION_ACCOUNT_CREDIT: Destination.ACCOUNT_CREDIT,
    pb.REFUND_DESTINATION_FUNDING_SOURCE: Destination.FUNDING_SOURCE,
    pb.REFUND_DESTINATION_CASH: Destination.CASH,
}
_NUMBERS = {destination: number for number, destination in _DESTINATIONS.items()}
_STATES = {
    RefundState.CREATED: pb.Refund.STATE_CREATED,
    RefundState.PENDING: pb.Refund.STATE_PENDING,
    RefundState.UNKNOWN: pb.Refund.STATE_UNKNOWN,
    RefundState.APPROVED: pb.Refund.STATE_APPROVED,
    RefundState.DECLINED: pb.Refund.STATE_DECLINED,
}


def create_return(request: pb.CreateReturnRequest) -> CreateReturn:
    """Read a return to make. Raises InvalidArgument."""
    account = account_ref(request.parent, "parent")
    return CreateReturn(
        account,
        agreement_id(request.agreement),
        [_line(line, f"lines[{place}]") for place, line in enumerate(request.lines)],
        {money.currency_code for line in request.lines for money in _monies(line)},
        _DESTINATIONS[request.destination],
        _source_id(account, request.funding_source, _DESTINATIONS[request.destination]),
        request.reason,
    )


def create_refund(request: pb.CreateRefundRequest) -> CreateRefund:
    """Read a refund to make. Raises InvalidArgument."""
    account = account_ref(request.parent, "parent")
    destination = _DESTINATIONS[request.destination]
    source_id = _source_id(account, request.funding_source, destination)
    return CreateRefund(account, money_from_proto(request.amount), destination, source_id, request.reason)


def returned(view: ReturnView) -> pb.Return:
    """Write a return."""
    one = view.movement
    destination = view.refund.refund.destination if view.refund else Destination.ACCOUNT_CREDIT
    return pb.Return(
        name=f"{one.account.name}/returns/{one.id}",
        agreement=f"{one.account.unit_name}/agreements/{one.agreement_id}" if one.agreement_id else "",
        lines=[
            pb.ReturnLine(
                description=line.description,
                amount=money_to_proto(Money(line.amount_minor, one.currency)),
                tax=money_to_proto(Money(line.tax_minor, one.currency)),
                item_category=line.item_category,
                item=line.item,
            )
            for line in view.lines
        ],
        total=money_to_proto(Money(one.amount_minor, one.currency)),
        destination=_NUMBERS[destination],
        refund=refund(view.refund) if view.refund else None,
        reason=one.reason,
        return_date=date_to_proto(one.business_date),
        create_time=time_to_proto(view.create_time),
    )


def refund(view: RefundView) -> pb.Refund:
    """Write a refund."""
    one = view.refund
    source = f"{one.account.name}/fundingSources/{one.funding_source_id}" if one.funding_source_id else ""
    return pb.Refund(
        name=f"{one.account.name}/refunds/{one.id}",
        amount=money_to_proto(Money(one.amount_minor, one.currency)),
        destination=_NUMBERS[one.destination],
        funding_source=source,
        state=_STATES[one.state],
        response_code=one.response_code,
        response_message=one.response_message,
        reason=view.reason,
        refund_date=date_to_proto(view.business_date),
        create_time=time_to_proto(view.create_time),
    )


def _source_id(account: AccountRef, name: str, destination: Destination) -> UUID | None:
    if not name:
        if destination is Destination.FUNDING_SOURCE:
            raise InvalidArgument.field("funding_source", "is needed: the source the money came from.")
        return None
    if destination is not Destination.FUNDING_SOURCE:
        raise InvalidArgument.field("funding_source", f"must be empty: the money goes to {destination.value}.")
    ids = names.parse(SOURCE_NAME, name, "funding_source")
    if AccountRef(ids["e"], ids["b"], ids["a"]) != account:
        raise InvalidArgument.field("funding_source", "must be a source of the account itself.")
    return ids["f"]


def _monies(line: pb.ReturnLine) -> list[Any]:
    return [line.amount, line.tax] if line.HasField("tax") else [line.amount]


def _line(line: pb.ReturnLine, field: str) -> ReturnLine:
    return ReturnLine(
        line.description,
        line.item_category,
        line.item or line.description,
        money_from_proto(line.amount, f"{field}.amount").amount_minor,
        money_from_proto(line.tax, f"{field}.tax").amount_minor if line.HasField("tax") else 0,
    )
