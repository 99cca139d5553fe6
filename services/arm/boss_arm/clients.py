"""What arm asks of others: billing for balances, notifications for templates."""

from collections.abc import Iterable
from uuid import UUID

import grpc
from boss.billing.v1 import account_service_pb2 as billing_pb
from boss.billing.v1 import account_service_pb2_grpc as billing_grpc
from boss.notifications.v1 import template_service_pb2 as template_pb
from boss.notifications.v1 import template_service_pb2_grpc as template_grpc

from boss_arm.configuration.rules import PLACEHOLDERS
from boss_arm.steps.commands import BillingBalance
from boss_kit.names import parse
from boss_kit.rpc.convert import money_from_proto, request_id_for

ENTERPRISE = "enterprises/{e}"
ACCOUNT = "enterprises/{e}/businessUnits/{b}/accounts/{a}"


class BillingClient:
    """Billing, who knows what is owed right now."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._accounts = billing_grpc.AccountServiceStub(channel)

    def balances(self, enterprise_id: UUID, accounts: Iterable[tuple[UUID, UUID]]) -> dict[UUID, BillingBalance]:
        """Give the balances of at most 1,000 accounts, named by unit and id; unknown ones are left out."""
        names = [ACCOUNT.format(e=enterprise_id, b=unit_id, a=account_id) for unit_id, account_id in accounts]
        if not names:
            return {}
        request = billing_pb.BatchGetBalancesRequest(parent=ENTERPRISE.format(e=enterprise_id), accounts=names)
        return {
            parse(ACCOUNT, one.account)["a"]: BillingBalance(
                money_from_proto(one.past_due_balance).amount_minor if one.HasField("past_due_balance") else 0,
                one.attempt_in_flight,
            )
            for one in self._accounts.BatchGetBalances(request).balances
        }


class NotificationsClient:
    """Notifications, who keeps and renders what messages say."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._templates = template_grpc.TemplateServiceStub(channel)

    def create_template(
        self,
        enterprise_id: UUID,
        request_id: UUID,
        *,
        channel: str,
        display_name: str,
        subject: str,
        body: str,
        audio: bytes,
    ) -> str:
        """Make a template on behalf of a command; give its name. A repeat of the command gets the same one."""
        request = template_pb.CreateTemplateRequest(
            parent=ENTERPRISE.format(e=enterprise_id),
            template=template_pb.Template(
                channel=channel,
                display_name=display_name,
                subject=subject,
                body=body,
                audio=audio,
                placeholders=PLACEHOLDERS,
            ),
            request_id=request_id_for(request_id, "notifications.CreateTemplate"),
        )
        name: str = self._templates.CreateTemplate(request).name
        return name
