"""The calls for configuration: settings, templates and schedules."""

from datetime import datetime
from uuid import UUID

import grpc
from boss.arm.v1 import configuration_service_pb2 as pb
from boss.arm.v1 import configuration_service_pb2_grpc

from boss_arm.clients import NotificationsClient
from boss_arm.configuration import commands, convert, queries
from boss_arm.configuration.commands import NewTemplate
from boss_arm.debtors.queries import unit
from boss_arm.schedules import commands as schedule_commands
from boss_arm.schedules import queries as schedule_queries
from boss_arm.schedules.rules import Schedule
from boss_kit.names import parse
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class ConfigurationServicer(configuration_service_pb2_grpc.ConfigurationServiceServicer):
    """Sets accounts receivable management up."""

    def __init__(self, door: Door, notifications: NotificationsClient) -> None:
        self._door = door
        self._notifications = notifications

    def EnableArm(self, request: pb.EnableArmRequest, context: grpc.ServicerContext) -> pb.ArmSettings:
        """Switch it on or off."""
        unit_id = convert.unit_id(request.business_unit, "business_unit")
        return self._door.command(
            request, lambda tx: convert.settings_to_proto(commands.enable(tx, unit_id, enabled=request.enabled))
        )

    def GetArmSettings(self, request: pb.GetArmSettingsRequest, context: grpc.ServicerContext) -> pb.ArmSettings:
        """Read the settings."""
        unit_id = convert.unit_id(request.business_unit, "business_unit")
        return self._door.query(request, lambda tx: convert.settings_to_proto(queries.settings(tx, unit_id)))

    def UpdateArmSettings(self, request: pb.UpdateArmSettingsRequest, context: grpc.ServicerContext) -> pb.ArmSettings:
        """Set the settings."""
        settings = convert.settings(request.settings)
        return self._door.command(request, lambda tx: convert.settings_to_proto(commands.update_settings(tx, settings)))

    def CreateTemplate(self, request: pb.CreateTemplateRequest, context: grpc.ServicerContext) -> pb.Template:
        """Make a template: ask whether it is in order, let notifications make it, keep it."""
        level_id, asked = convert.level_id(request.parent), request.template
        self._door.query(request, lambda tx: _in_order(tx, level_id))
        enterprise_id, request_id = parse(convert.ENTERPRISE, _root(request.parent))["e"], UUID(request.request_id)
        made = self._notifications.create_template(
            enterprise_id,
            request_id,
            channel=asked.channel,
            display_name=asked.display_name,
            subject=asked.subject,
            body=asked.body,
            audio=asked.audio,
        )
        command = NewTemplate(
            request_id,
            level_id,
            asked.channel,
            asked.display_name,
            asked.subject,
            asked.body,
            notification_template=made,
        )
        return self._door.command(request, lambda tx: convert.template_to_proto(commands.create_template(tx, command)))

    def ListTemplates(
        self, request: pb.ListTemplatesRequest, context: grpc.ServicerContext
    ) -> pb.ListTemplatesResponse:
        """List the templates of a level."""
        level_id = convert.level_id(request.parent)
        page = open_page(request.page_size, request.page_token, filters=(request.parent, request.selectable))

        def answer(tx: Transaction) -> pb.ListTemplatesResponse:
            after = page.key(datetime.fromisoformat, UUID)
            found = queries.list_templates(tx, level_id, selectable=request.selectable, after=after, limit=page.limit)
            rows, token = page.cut(found, lambda one: (one.create_time, one.id))
            return pb.ListTemplatesResponse(templates=map(convert.template_to_proto, rows), next_page_token=token)

        return self._door.query(request, answer)

    def CreateSchedule(self, request: pb.CreateScheduleRequest, context: grpc.ServicerContext) -> pb.Schedule:
        """Make a new version of the schedule."""
        unit_id = convert.unit_id(request.parent, "parent")

        def answer(tx: Transaction) -> pb.Schedule:
            queries.settings(tx, unit_id)
            lines = convert.lines(list(request.schedule.lines), unit(tx, unit_id).currency)
            return _schedule(tx, schedule_commands.create_schedule(tx, unit_id, lines))

        return self._door.command(request, answer)

    def GetSchedule(self, request: pb.GetScheduleRequest, context: grpc.ServicerContext) -> pb.Schedule:
        """Read the schedule in force."""
        unit_id = convert.unit_id(request.parent, "parent")
        return self._door.query(request, lambda tx: _schedule(tx, schedule_queries.current_schedule(tx, unit_id)))


def _in_order(tx: Transaction, level_id: UUID | None) -> pb.Template:
    queries.require_template_order(tx, level_id)
    return pb.Template()


def _root(name: str) -> str:
    return "/".join(name.split("/")[:2])


def _schedule(tx: Transaction, schedule: Schedule) -> pb.Schedule:
    templates = schedule_queries.templates_of(tx, schedule)
    currency = unit(tx, schedule.business_unit_id).currency
    return convert.schedule_to_proto(tx.enterprise_id, schedule, templates, currency)
