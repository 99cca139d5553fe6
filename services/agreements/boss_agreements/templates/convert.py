"""Templates, to and from protos."""

from boss.agreements.v1 import template_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.templates.rules import Template

TEMPLATES = "templates"


def read_template(message: pb.Template, head: Head) -> Template:
    """Read a template."""
    return Template(
        **given(head, message), title=message.title, body=message.body, signature_text=message.signature_text
    )


def write_template(template: Template) -> pb.Template:
    """Write a template."""
    return pb.Template(
        **header(template, TEMPLATES),
        title=template.title,
        body=template.body,
        signature_text=template.signature_text,
    )
