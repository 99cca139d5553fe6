"""TemplateService."""

import grpc
from boss.agreements.v1 import template_service_pb2 as pb
from boss.agreements.v1 import template_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.templates.commands import check_template
from boss_agreements.templates.convert import TEMPLATES, read_template, write_template
from boss_agreements.templates.store import TEMPLATES as SHELF
from boss_kit.rpc.door import Door


class TemplateServicer(pb_grpc.TemplateServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, TEMPLATES, write_template, check_template)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_TemplateServiceServicer_to_server(self, server)

    def CreateTemplate(self, request: pb.CreateTemplateRequest, context: grpc.ServicerContext) -> pb.Template:
        """Make a template."""
        return self._entries.create(request, lambda head: read_template(request.template, head))

    def GetTemplate(self, request: pb.GetTemplateRequest, context: grpc.ServicerContext) -> pb.Template:
        """Read a template."""
        return self._entries.get(request)

    def ListTemplates(
        self, request: pb.ListTemplatesRequest, context: grpc.ServicerContext
    ) -> pb.ListTemplatesResponse:
        """List templates by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListTemplatesResponse(templates=rows, next_page_token=token)
        )

    def UpdateTemplate(self, request: pb.UpdateTemplateRequest, context: grpc.ServicerContext) -> pb.Template:
        """Replace a template."""
        return self._entries.update(
            request, request.template, "template", lambda head: read_template(request.template, head)
        )
