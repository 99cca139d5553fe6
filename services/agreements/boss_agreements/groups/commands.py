"""Check groups before they are saved."""

from boss_agreements.groups.rules import AgreementGroup, saved_group
from boss_kit.unit_of_work import Transaction


def check_group(tx: Transaction, group: AgreementGroup) -> AgreementGroup:
    """Give a group as it is kept. Raises InvalidArgument."""
    return saved_group(group)
