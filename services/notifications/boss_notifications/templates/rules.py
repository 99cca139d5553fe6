"""Templates that can't run away: a small part of Jinja2, checked when it is saved (SPEC NOT-3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import jinja2
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from boss_kit.errors import FieldViolation, InvalidArgument

EMAIL, PHONE, LETTER = "Email", "Phone", "Letter"
CHANNELS = (EMAIL, PHONE, LETTER)
ENTERPRISE_NAME = "enterprises/{e}"
TEMPLATE_NAME = ENTERPRISE_NAME + "/templates/{t}"

# No loops, calls or arithmetic: nothing a template can say takes long or reaches out of it.
ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
ALLOWED_FILTERS = frozenset({"capitalize", "lower", "title", "trim", "upper"})


@dataclass(frozen=True)
class Recording:
    """A checked recording of a call."""

    content: bytes
    duration_ms: int


@dataclass(frozen=True)
class Template:
    """What a message says. It never changes."""

    enterprise_id: UUID
    id: UUID
    channel: str
    display_name: str
    subject: str = ""
    body: str = ""
    placeholders: tuple[str, ...] = ()
    audio_duration_ms: int = 0
    create_time: datetime | None = None


@dataclass(frozen=True)
class Draft:
    """A template as it is handed in."""

    channel: str
    display_name: str
    subject: str = ""
    body: str = ""
    audio: bytes = b""
    placeholders: tuple[str, ...] = field(default=())


class PlaceholderMissing(Exception):
    """Say which placeholder nobody filled."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder)
        self.placeholder = placeholder


def check_texts(draft: Draft) -> None:
    """Check the name, and subject and body against the promised placeholders (SPEC NOT-3).

    Raises InvalidArgument, naming each unknown one.
    """
    violations = _check_presence(draft)
    for name, text in (("template.subject", draft.subject), ("template.body", draft.body)):
        violations += [FieldViolation(name, why) for why in _faults(text, draft.placeholders)]
    if violations:
        message = " ".join(f"{violation.field}: {violation.description}" for violation in violations[:3])
        raise InvalidArgument(
            "INVALID_TEMPLATE", message, metadata={"field": violations[0].field}, violations=violations
        )


def render(text: str, placeholders: Mapping[str, str]) -> str:
    """Fill a checked text in. Raises PlaceholderMissing when the sender broke its promise."""
    try:
        return _compiled(text).render(placeholders)
    except jinja2.UndefinedError as error:
        raise PlaceholderMissing(str(error.message)) from None


def _check_presence(draft: Draft) -> list[FieldViolation]:
    found = []
    if not draft.display_name.strip() or not draft.display_name.isprintable():
        found.append(FieldViolation("template.display_name", "Give it a name of one line, by which staff choose it."))
    if draft.channel == PHONE:
        if not draft.audio:
            found.append(FieldViolation("template.audio", "A phone template is a recording: upload a WAV file."))
        if draft.body or draft.subject:
            found.append(FieldViolation("template.body", "A phone template has no text; its recording says it all."))
        return found
    if draft.audio:
        found.append(FieldViolation("template.audio", "Only a phone template has a recording."))
    if not draft.subject.strip():
        found.append(FieldViolation("template.subject", "Give it a subject."))
    if "\n" in draft.subject or "\r" in draft.subject:
        found.append(FieldViolation("template.subject", "A subject is one line."))
    if not draft.body.strip():
        found.append(FieldViolation("template.body", "Give it a text."))
    return found


def _faults(text: str, promised: Sequence[str]) -> list[str]:
    try:
        tree = _ENVIRONMENT.parse(text)
        _compiled(text)
    except jinja2.TemplateSyntaxError as error:
        return [f"Line {error.lineno}: {error.message}."]
    except RecursionError:
        return ["It is nested too deeply."]
    faults = []
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, ALLOWED_NODES):
            faults.append(
                f"Line {node.lineno}: {type(node).__name__} is not allowed; use {{{{ name }}}} and {{% if %}}."
            )
        elif isinstance(node, nodes.Filter) and (node.name not in ALLOWED_FILTERS or node.args or node.kwargs):
            faults.append(
                f"Line {node.lineno}: the filter {node.name} is not allowed; use {', '.join(sorted(ALLOWED_FILTERS))}."
            )
    known = ", ".join(promised) or "none"
    unknown = {node.name for node in tree.find_all(nodes.Name)} - set(promised)
    faults += [f"The placeholder {name} is not among those the sender fills ({known})." for name in sorted(unknown)]
    return faults


class _Environment(SandboxedEnvironment):
    intercepted_binops = frozenset(SandboxedEnvironment.default_binop_table)


_ENVIRONMENT = _Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=False)


@lru_cache(maxsize=512)
def _compiled(text: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(text)
