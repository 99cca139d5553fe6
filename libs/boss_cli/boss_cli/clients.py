"""Clients of the five services: one channel each, a stub per gRPC service, a deadline and a token on every call.

clients = Clients({"billing": "127.0.0.1:7002", ...}, token_source)
clients.billing.accounts.GetAccount(request)
clients.platform("arm").tasks.RunJob(request)
clients.until_answered(120).billing.bill_runs.StartBillRun(request)   # outlives killed servers
"""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from boss.agreements.v1 import (
    activity_service_pb2_grpc,
    agreement_service_pb2_grpc,
    agreement_writer_service_pb2_grpc,
    bundle_service_pb2_grpc,
    definition_service_pb2_grpc,
    division_service_pb2_grpc,
    item_service_pb2_grpc,
    member_service_pb2_grpc,
    organization_service_pb2_grpc,
    reason_service_pb2_grpc,
    setting_service_pb2_grpc,
    suspension_service_pb2_grpc,
)
from boss.agreements.v1 import template_service_pb2_grpc as agreement_templates_grpc
from boss.arm.v1 import configuration_service_pb2_grpc, cycle_service_pb2_grpc
from boss.billing.v1 import (
    account_service_pb2_grpc,
    bill_run_service_pb2_grpc,
    deposit_service_pb2_grpc,
    invoice_service_pb2_grpc,
    ledger_service_pb2_grpc,
    movement_service_pb2_grpc,
    payment_service_pb2_grpc,
    processor_callback_service_pb2_grpc,
    report_service_pb2_grpc,
    statement_service_pb2_grpc,
)
from boss.collections.v1 import collections_service_pb2_grpc
from boss.notifications.v1 import (
    notification_service_pb2_grpc,
    provider_callback_service_pb2_grpc,
    template_service_pb2_grpc,
)
from boss.platform.v1 import (
    clock_service_pb2,
    clock_service_pb2_grpc,
    parked_event_service_pb2_grpc,
    task_service_pb2_grpc,
    timeline_service_pb2_grpc,
)

from boss_cli.channels import PersonChannel, TokenSource, until_answered
from boss_kit.rpc.client import open_channel
from boss_kit.rpc.server import Certificates

__all__ = ("SERVICES", "Clients", "PlatformClient", "TokenSource", "until_answered")

SERVICES = ("agreements", "billing", "arm", "notifications", "collections")
DEADLINE_S = 30.0

Stub = Any
"""Generated stubs have no types; the messages they take and give do."""


def _stub(make: Any, channel: grpc.Channel) -> Stub:
    return make(channel)


class PlatformClient:
    """What every service has."""

    def __init__(self, service: str, channel: grpc.Channel) -> None:
        self.service = service
        self.clock = _stub(clock_service_pb2_grpc.ClockServiceStub, channel)
        self.tasks = _stub(task_service_pb2_grpc.TaskServiceStub, channel)
        self.parked_events = _stub(parked_event_service_pb2_grpc.ParkedEventServiceStub, channel)
        self.timeline = _stub(timeline_service_pb2_grpc.TimelineServiceStub, channel)


class AgreementsClient(PlatformClient):
    """Who belongs to the club and what is due."""

    def __init__(self, channel: grpc.Channel) -> None:
        super().__init__("agreements", channel)
        self.organizations = _stub(organization_service_pb2_grpc.OrganizationServiceStub, channel)
        self.divisions = _stub(division_service_pb2_grpc.DivisionServiceStub, channel)
        self.members = _stub(member_service_pb2_grpc.MemberServiceStub, channel)
        self.agreements = _stub(agreement_service_pb2_grpc.AgreementServiceStub, channel)
        self.items = _stub(item_service_pb2_grpc.ItemServiceStub, channel)
        self.bundles = _stub(bundle_service_pb2_grpc.BundleServiceStub, channel)
        self.templates = _stub(agreement_templates_grpc.TemplateServiceStub, channel)
        self.reasons = _stub(reason_service_pb2_grpc.ReasonServiceStub, channel)
        self.suspensions = _stub(suspension_service_pb2_grpc.SuspensionServiceStub, channel)
        self.activities = _stub(activity_service_pb2_grpc.ActivityServiceStub, channel)
        self.writer = _stub(agreement_writer_service_pb2_grpc.AgreementWriterServiceStub, channel)
        self.definitions = _stub(definition_service_pb2_grpc.DefinitionServiceStub, channel)
        self.settings = _stub(setting_service_pb2_grpc.SettingServiceStub, channel)


class BillingClient(PlatformClient):
    """Invoices, payments, ledger."""

    def __init__(self, channel: grpc.Channel) -> None:
        super().__init__("billing", channel)
        self.accounts = _stub(account_service_pb2_grpc.AccountServiceStub, channel)
        self.bill_runs = _stub(bill_run_service_pb2_grpc.BillRunServiceStub, channel)
        self.invoices = _stub(invoice_service_pb2_grpc.InvoiceServiceStub, channel)
        self.payments = _stub(payment_service_pb2_grpc.PaymentServiceStub, channel)
        self.movements = _stub(movement_service_pb2_grpc.MovementServiceStub, channel)
        self.ledger = _stub(ledger_service_pb2_grpc.LedgerServiceStub, channel)
        self.callbacks = _stub(processor_callback_service_pb2_grpc.ProcessorCallbackServiceStub, channel)
        self.deposits = _stub(deposit_service_pb2_grpc.DepositServiceStub, channel)
        self.reports = _stub(report_service_pb2_grpc.ReportServiceStub, channel)
        self.statements = _stub(statement_service_pb2_grpc.StatementServiceStub, channel)


class ArmClient(PlatformClient):
    """Accounts receivable management."""

    def __init__(self, channel: grpc.Channel) -> None:
        super().__init__("arm", channel)
        self.configuration = _stub(configuration_service_pb2_grpc.ConfigurationServiceStub, channel)
        self.cycles = _stub(cycle_service_pb2_grpc.CycleServiceStub, channel)


class NotificationsClient(PlatformClient):
    """Messages and what became of them."""

    def __init__(self, channel: grpc.Channel) -> None:
        super().__init__("notifications", channel)
        self.notifications = _stub(notification_service_pb2_grpc.NotificationServiceStub, channel)
        self.templates = _stub(template_service_pb2_grpc.TemplateServiceStub, channel)
        self.callbacks = _stub(provider_callback_service_pb2_grpc.ProviderCallbackServiceStub, channel)


class CollectionsClient(PlatformClient):
    """Who owes, and how far collecting has come."""

    def __init__(self, channel: grpc.Channel) -> None:
        super().__init__("collections", channel)
        self.collections = _stub(collections_service_pb2_grpc.CollectionsServiceStub, channel)


class Clients:
    """The five services; close it, or use it in a `with`.

    Calls raise `boss_kit.errors.BossError`s.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        token_source: TokenSource,
        *,
        deadline_s: float = DEADLINE_S,
        until_answered_s: float = 0.0,
        certificates: Certificates | None = None,
    ) -> None:
        """Connect lazily to `addresses` (service -> `host:port` or `unix:/path`).

        Unary calls get `deadline_s` unless they bring a timeout, and are repeated for `until_answered_s` while failures
        are transient; streams live as long as the kit lets them.
        """
        opened = {service: open_channel(addresses[service], certificates) for service in SERVICES}
        self._connect(opened, token_source, deadline_s, until_answered_s)

    def _connect(
        self, opened: Mapping[str, grpc.Channel], token_source: TokenSource, deadline_s: float, until_answered_s: float
    ) -> None:
        self._opened, self._token_source, self._deadline_s = opened, token_source, deadline_s
        to = {
            service: PersonChannel(
                channel, service, token_source, deadline_s=deadline_s, until_answered_s=until_answered_s
            )
            for service, channel in opened.items()
        }
        self.channels: Mapping[str, grpc.Channel] = to
        self.agreements = AgreementsClient(to["agreements"])
        self.billing = BillingClient(to["billing"])
        self.arm = ArmClient(to["arm"])
        self.notifications = NotificationsClient(to["notifications"])
        self.collections = CollectionsClient(to["collections"])

    def until_answered(self, timeout_s: float) -> "Clients":
        """Give clients on the same channels that ask for up to `timeout_s`: for drivers that outlive servers."""
        patient = object.__new__(Clients)
        patient._connect(self._opened, self._token_source, self._deadline_s, timeout_s)
        return patient

    def platform(self, service: str) -> PlatformClient:
        """Give a service's client by name, for what every service has. Raises KeyError for an unknown one."""
        if service not in SERVICES:
            raise KeyError(service)
        client: PlatformClient = getattr(self, service)
        return client

    def status(
        self,
        service: str,
        *,
        wait_ms: int = 0,
        awaited: Iterable[clock_service_pb2.StreamCount] = (),
        tasks_only: bool = False,
    ) -> clock_service_pb2.GetStatusResponse:
        """Ask a service by name whether its work is done, or wait until it is and `awaited` is processed."""
        request = clock_service_pb2.GetStatusRequest(wait_ms=wait_ms, awaited=awaited, tasks_only=tasks_only)
        status: clock_service_pb2.GetStatusResponse = self.platform(service).clock.GetStatus(request)
        return status

    def close(self) -> None:
        """Close the channels."""
        for channel in self._opened.values():
            channel.close()

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
