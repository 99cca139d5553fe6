"""A movement of money beside invoices and payments, as a document; it is never edited, only followed. Pure."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_billing.ledger.rules import Document, Source
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money, round_half_up

AMOUNT_MINOR_MAX = 10**13
WHOLE_ENTERPRISE = UUID(int=0)
"""Stands for every unit of an enterprise that has no limit of its own."""

MOVEMENT_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}/movements/{m}"


@dataclass(frozen=True, slots=True)
class Movement:
    """What was moved and why; the origin is the movement it follows from, such as the return a refund is for."""

    id: UUID
    account: AccountRef
    kind: Source
    amount_minor: int
    currency: str
    business_date: date
    reason: str
    agreement_id: UUID | None = None
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    origin_id: UUID | None = None

    @property
    def document(self) -> Document:
        """Name it in the books."""
        return Document(self.kind, reference_id=self.id)


def tax_part(amount_minor: int, total_minor: int, tax_minor: int, given_minor: int, given_tax_minor: int) -> int:
    """Give the tax in a part of an invoice that is credited, after others: in proportion, and all of it in the end."""
    if total_minor == 0:
        return 0
    so_far = round_half_up(Fraction(tax_minor * (given_minor + amount_minor), total_minor))
    return min(max(so_far - given_tax_minor, 0), amount_minor)


def check_amount(amount: Money, currency: str, field: str = "amount") -> None:
    """Refuse another currency, and what isn't above zero. Raises InvalidArgument."""
    if amount.currency != currency:
        raise InvalidArgument.field(f"{field}.currency_code", f"must be {currency}, the account's currency.")
    if not 0 < amount.amount_minor <= AMOUNT_MINOR_MAX:
        most = Money(AMOUNT_MINOR_MAX, currency)
        raise InvalidArgument.field(field, f"must be above zero and at most {most}, the most an account can owe.")


def check_approval(amount: Money, limit_minor: int | None, *, approved: bool) -> None:
    """Ask for a second person above a limit (SPEC BIL-11). Raises FailedPrecondition."""
    if limit_minor is None or amount.amount_minor <= limit_minor or approved:
        return
    limit = Money(limit_minor, amount.currency)
    raise FailedPrecondition(
        "APPROVAL_REQUIRED",
        f"{amount} is above {limit}, up to which one person may move money here; "
        "send it again with a second person's approval.",
        metadata={"amount": str(amount), "limit": str(limit), "permission": "billing.movements.approve"},
    )
