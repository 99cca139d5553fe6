"""Check templates before they are saved."""

from boss_agreements.templates import rules
from boss_agreements.templates.rules import Template
from boss_kit.unit_of_work import Transaction


def check_template(tx: Transaction, template: Template) -> Template:
    """Give a template as it is kept: every placeholder is known (SPEC AGR-1). Raises InvalidArgument."""
    rules.check_template(template)
    return template
