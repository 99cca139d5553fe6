"""Check agreement rules before they are saved."""

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_kit.unit_of_work import Transaction


def check_rules(tx: Transaction, rules: AgreementRules) -> AgreementRules:
    """Give agreement rules as they are kept: the proto says what a number of days is."""
    return rules
