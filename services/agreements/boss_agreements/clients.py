"""What agreements asks of billing: itemized returns. What is due it knows alone, and learns the answers from events."""

import grpc
from boss.billing.v1 import refund_service_pb2 as refund_pb
from boss.billing.v1 import refund_service_pb2_grpc as refund_grpc

from boss_agreements.cancellations.rules import CASH, CREDIT, FUNDING_SOURCE, ReturnOrder
from boss_kit.rpc.convert import money_to_proto, request_id_for

_DESTINATIONS = {
    CREDIT: refund_pb.REFUND_DESTINATION_ACCOUNT_CREDIT,
    FUNDING_SOURCE: refund_pb.REFUND_DESTINATION_FUNDING_SOURCE,
    CASH: refund_pb.REFUND_DESTINATION_CASH,
}


class BillingClient:
    """Billing, who knows what was paid and gives it back."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._refunds = refund_grpc.RefundServiceStub(channel)

    def create_return(self, order: ReturnOrder) -> str:
        """Have an itemized return made; give its name. A repeat gets the same one.

        Raises FailedPrecondition if more would come back than was paid.
        """
        unit = f"enterprises/{order.enterprise_id}/businessUnits/{order.business_unit_id}"
        request = refund_pb.CreateReturnRequest(
            parent=f"{unit}/accounts/{order.account_id}",
            agreement=f"{unit}/agreements/{order.agreement_id}",
            lines=[
                refund_pb.ReturnLine(
                    description=line.description[:200],
                    amount=money_to_proto(line.amount),
                    tax=money_to_proto(line.tax),
                    item_category=line.item_category,
                    item=line.item,
                )
                for line in order.lines
            ],
            destination=_DESTINATIONS[order.destination],
            funding_source=order.funding_source if order.destination == FUNDING_SOURCE else "",
            reason=order.reason,
            request_id=request_id_for(order.request_id, order.step),
        )
        return str(self._refunds.CreateReturn(request).name)
