"""The templates' door."""

import grpc
from boss.notifications.v1 import template_service_pb2 as pb
from boss.notifications.v1 import template_service_pb2_grpc

from boss_kit.names import parse
from boss_kit.paging import open_page
from boss_kit.rpc.convert import time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction
from boss_notifications.templates import commands, queries
from boss_notifications.templates.rules import ENTERPRISE_NAME, TEMPLATE_NAME, Draft, Template


class TemplateServicer(template_service_pb2_grpc.TemplateServiceServicer):
    """Keeps templates and plays recordings back."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def CreateTemplate(self, request: pb.CreateTemplateRequest, context: grpc.ServicerContext) -> pb.Template:
        """Make a template."""
        parse(ENTERPRISE_NAME, request.parent, "parent")
        return self._door.command(request, lambda tx: _template(commands.create_template(tx, _draft(request.template))))

    def GetTemplate(self, request: pb.GetTemplateRequest, context: grpc.ServicerContext) -> pb.Template:
        """Read one without its recording."""
        return self._door.query(request, lambda tx: _template(queries.get_template(tx, request.name)))

    def ListTemplates(
        self, request: pb.ListTemplatesRequest, context: grpc.ServicerContext
    ) -> pb.ListTemplatesResponse:
        """List them by time."""
        page = open_page(request.page_size, request.page_token, filters=(request.parent,))

        def answer(tx: Transaction) -> pb.ListTemplatesResponse:
            templates, token = queries.list_templates(tx, request.parent, page)
            return pb.ListTemplatesResponse(templates=map(_template, templates), next_page_token=token)

        return self._door.query(request, answer)

    def GetTemplateAudio(
        self, request: pb.GetTemplateAudioRequest, context: grpc.ServicerContext
    ) -> pb.GetTemplateAudioResponse:
        """Read a recording."""

        def answer(tx: Transaction) -> pb.GetTemplateAudioResponse:
            recording = queries.get_recording(tx, request.name)
            return pb.GetTemplateAudioResponse(audio=recording.content, duration_ms=recording.duration_ms)

        return self._door.query(request, answer)


def _draft(message: pb.Template) -> Draft:
    return Draft(
        channel=message.channel,
        display_name=message.display_name,
        subject=message.subject,
        body=message.body,
        audio=message.audio,
        placeholders=tuple(message.placeholders),
    )


def _template(template: Template) -> pb.Template:
    return pb.Template(
        name=TEMPLATE_NAME.format(e=template.enterprise_id, t=template.id),
        channel=template.channel,
        display_name=template.display_name,
        subject=template.subject,
        body=template.body,
        placeholders=template.placeholders,
        audio_duration_ms=template.audio_duration_ms,
        create_time=time_to_proto(template.create_time),
    )
