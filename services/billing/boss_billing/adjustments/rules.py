"""What a credit takes off an invoice: price and tax in proportion. Pure."""

from dataclasses import dataclass

from boss_billing.invoices.rules import Invoice
from boss_kit.errors import FailedPrecondition
from boss_kit.money import Money


@dataclass(frozen=True, slots=True)
class CreditedInvoice:
    """What an invoice comes to, and what was credited of it so far."""

    total_minor: int
    tax_minor: int
    credited_minor: int
    credited_tax_minor: int


def check_owed(invoice: Invoice, amount: Money) -> None:
    """Refuse to lower an invoice below zero. Raises FailedPrecondition."""
    if amount.amount_minor > invoice.balance_minor:
        balance = Money(invoice.balance_minor, invoice.currency)
        raise FailedPrecondition(
            "ABOVE_BALANCE",
            f"Invoice {invoice.number} owes {balance}, less than {amount}; take at most that off it.",
            metadata={"invoice": invoice.name, "amount": str(amount), "balance": str(balance)},
        )
