"""Check divisions before they are saved."""

from boss_agreements.catalogue.rules import check_of_enterprise
from boss_agreements.divisions.rules import Division
from boss_kit.unit_of_work import Transaction


def check_division(tx: Transaction, division: Division) -> Division:
    """Give a division as it is kept: only an enterprise has some. Raises InvalidArgument."""
    check_of_enterprise(division)
    return division
