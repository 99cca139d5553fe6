"""The text of an agreement's document (SPEC AGR-1, AGR-4). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from boss_agreements.catalogue.rules import Entry
from boss_kit.errors import InvalidArgument

PLACEHOLDERS = (
    "agreement_name",
    "agreement_number",
    "business_unit",
    "end_date",
    "first_amount",
    "member_address",
    "member_name",
    "member_number",
    "obligation_end_date",
    "recurring_amount",
    "sales_advisors",
    "schedule",
    "start_date",
    "today",
)
"""What a text may refer to; the document gives each of them a value, empty where there is none."""


@dataclass(frozen=True, kw_only=True)
class Template(Entry):
    """The text of a document: title, terms, and what stands above the signature.

    A change makes a new version; agreements keep the version they were sold with.
    """

    title: str
    body: str
    signature_text: str = ""


def check_template(template: Template) -> None:
    """Refuse a text that can't be filled in. Raises InvalidArgument, naming the placeholders there are."""
    for field in ("title", "body", "signature_text"):
        text, place = getattr(template, field), f"template.{field}"
        try:
            used = meta.find_undeclared_variables(_environment().parse(text))
        except TemplateSyntaxError as error:
            raise InvalidArgument.field(place, f"line {error.lineno}: {error.message}") from None
        unknown = sorted(used - set(PLACEHOLDERS))
        if unknown:
            raise InvalidArgument.field(
                place, f"has the unknown placeholder {unknown[0]!r}; use {', '.join(PLACEHOLDERS)}.", "PLACEHOLDER"
            )
        try:
            fill(text, dict.fromkeys(PLACEHOLDERS, ""))
        except (SecurityError, UndefinedError, TypeError, ArithmeticError) as error:
            raise InvalidArgument.field(place, f"can't be filled in: {error}") from None


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values into a text, in a sandbox."""
    return _environment().from_string(text).render(values)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
