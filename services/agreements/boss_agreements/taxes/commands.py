"""Check taxes before they are saved."""

from boss_agreements.taxes.rules import TaxRate, saved_tax
from boss_kit.unit_of_work import Transaction


def check_tax(tx: Transaction, tax: TaxRate) -> TaxRate:
    """Give a tax as it is kept. Raises InvalidArgument."""
    return saved_tax(tax)
