"""How notifications is put together; each process imports only its own doors."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa

from boss_kit.context import Context
from boss_kit.jobs import Job
from boss_kit.service import House, Running, Service, Serving, Working
from boss_kit.tasks import Process
from boss_kit.unit_of_work import Transaction
from boss_notifications.contact_rules.store import business_unit
from boss_notifications.events import encode
from boss_notifications.jobs import JOBS, SANDBOX_JOBS
from boss_notifications.settings import NotificationsSettings
from boss_notifications.subscriptions import SUBSCRIPTIONS

if TYPE_CHECKING:
    from boss_kit.rpc.door import Door
    from boss_kit.rpc.server import AddServicer
    from boss_kit.web import WebServer
    from boss_notifications.adapters.port import Provider

SERVICE = Service("notifications", NotificationsSettings, Path(__file__).parent / "migrations", encode)


def servicers(door: "Door") -> "list[AddServicer]":
    """Give what adds each servicer to a server."""
    from boss.notifications.v1 import notification_service_pb2_grpc as notification_grpc
    from boss.notifications.v1 import provider_callback_service_pb2_grpc as callback_grpc
    from boss.notifications.v1 import template_service_pb2_grpc as template_grpc
    from boss.platform.v1 import timeline_service_pb2_grpc as timeline_grpc

    from boss_notifications.intents.rpc import NotificationServicer
    from boss_notifications.responses.rpc import ProviderCallbackServicer
    from boss_notifications.templates.rpc import TemplateServicer
    from boss_notifications.timeline.rpc import TimelineServicer

    return [
        partial(template_grpc.add_TemplateServiceServicer_to_server, TemplateServicer(door)),
        partial(notification_grpc.add_NotificationServiceServicer_to_server, NotificationServicer(door)),
        partial(callback_grpc.add_ProviderCallbackServiceServicer_to_server, ProviderCallbackServicer(door)),
        partial(timeline_grpc.add_TimelineServiceServicer_to_server, TimelineServicer(door)),
    ]


def serve(settings: NotificationsSettings) -> Serving:
    """Put the API together, with the webhook door where secrets are set."""
    from boss_kit.rpc.door import Door

    house = SERVICE.open(settings, settings.pool_serve)
    return Serving(
        house, servicers(Door(house.units)), subscriptions=SUBSCRIPTIONS, jobs=jobs(settings), web=_web(house)
    )


def work(settings: NotificationsSettings, index: int, of: int) -> Working:
    """Put the consumer together."""
    return Working(SERVICE.open(settings, settings.pool_work), SUBSCRIPTIONS, index, of)


def run(settings: NotificationsSettings) -> Running:
    """Put the relay and the long work together."""
    from boss_notifications.clients import ArmClient, CallbackClient
    from boss_notifications.dispatch.process import Dispatch, HeldAgain
    from boss_notifications.responses.process import SandboxResponses

    house = SERVICE.open(settings, settings.pool_run)
    channels = house.channels()
    arm = ArmClient(channels.to("arm"))
    processes: dict[str, Process] = {
        "dispatch": Dispatch(house.units, providers(house), arm.release, settle_after_s=settings.sender_lease_s),
        "dispatch-held": HeldAgain(house.units),
    }
    if settings.sandbox_folder:
        callbacks = CallbackClient(channels.to(SERVICE.name))
        processes["sandbox-responses"] = SandboxResponses(house.units, callbacks.report, settings.sandbox_seed)
    return Running(house, jobs=jobs(settings), processes=processes, enterprises=enterprises)


def jobs(settings: NotificationsSettings) -> Sequence[Job]:
    """Give the schedule; the sandbox's jobs are there only with the sandbox."""
    return (*JOBS, *SANDBOX_JOBS) if settings.sandbox_folder else JOBS


def enterprises(tx: Transaction) -> Sequence[UUID]:
    """List the enterprises that jobs are for."""
    return tx.connection.scalars(sa.select(business_unit.c.enterprise_id).distinct()).all()


def providers(house: House[NotificationsSettings]) -> "list[Provider]":
    """Give the providers that the settings name."""
    from boss_notifications.adapters.letter_folder import LetterFolder
    from boss_notifications.adapters.phone_sandbox import PhoneSandbox
    from boss_notifications.adapters.smtp import SmtpProvider, SmtpServer
    from boss_notifications.templates.store import find_recording

    settings = house.settings
    found: list[Provider] = []
    if settings.smtp_address:
        host, _, port = settings.smtp_address.rpartition(":")
        server = SmtpServer(
            host=host,
            port=int(port),
            security=settings.smtp_security,
            user=settings.smtp_user,
            password=settings.smtp_password,
            query_url=settings.smtp_query_url,
            domain=settings.email_domain,
        )
        found.append(SmtpProvider(server))
    if settings.sandbox_folder:

        def recording(enterprise_id: UUID, template_id: UUID) -> bytes | None:
            with house.units.read(Context(enterprise_id=enterprise_id)) as tx:
                kept = find_recording(tx.connection, enterprise_id, template_id)
                return kept.content if kept else None

        found.append(LetterFolder(settings.sandbox_folder / "letters"))
        found.append(PhoneSandbox(settings.sandbox_folder / "calls", recording))
    return found


def _web(house: House[NotificationsSettings]) -> "WebServer | None":
    if not house.settings.webhook_secrets:
        return None
    from boss_kit.web import Webhook, WebServer, make_app
    from boss_notifications.responses.webhook import PATH, take_webhook

    webhook = Webhook(PATH, house.settings.webhook_secrets, take_webhook)
    return WebServer(make_app(house.units, [webhook]), house.settings.http_address)
