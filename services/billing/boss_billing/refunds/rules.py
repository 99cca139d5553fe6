"""What may go back, and where to: never more than came from there (SPEC BIL-11). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from boss_billing.accounts.rules import AccountRef
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import Money

RETURN_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}/returns/{r}"
REFUND_NAME = "enterprises/{e}/businessUnits/{b}/accounts/{a}/refunds/{r}"
SEND_TASK = "refund-send"
SENT_TOGETHER = 1000
"""How many refunds one file holds at most."""


class Destination(StrEnum):
    """Where money goes back to."""

    ACCOUNT_CREDIT = "account credit"
    FUNDING_SOURCE = "funding source"
    CASH = "cash"


class RefundState(StrEnum):
    """Where a refund is in its life; what the processor didn't say is unknown, never assumed."""

    CREATED = "created"
    PENDING = "pending"
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"


TO_SEND = (RefundState.CREATED, RefundState.UNKNOWN)
ON_ITS_WAY = (*TO_SEND, RefundState.PENDING)


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """One returned item."""

    description: str
    item_category: str
    item: str
    amount_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        """Give its price with tax."""
        return self.amount_minor + self.tax_minor


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back; its id is that of its movement, and the processor's key."""

    id: UUID
    account: AccountRef
    destination: Destination
    funding_source_id: UUID | None
    tender: str
    token: str
    amount_minor: int
    currency: str
    state: RefundState
    response_code: str = ""
    response_message: str = ""
    transaction_id: str = ""
    final_date: date | None = None
    sent_with: UUID | None = None
    """The refund under whose key it goes to a processor that takes several at once."""

    @property
    def waits_for_company(self) -> bool:
        """Tell whether it is in no file yet."""
        return self.state is RefundState.CREATED and self.sent_with is None


@dataclass(frozen=True, slots=True)
class SubmittedRefund:
    """A refund as it goes to the processor; the same key again is the same refund."""

    enterprise_id: UUID
    business_unit_id: UUID
    key: str
    tender: str
    token: str
    amount_minor: int
    currency: str
    business_date: date


@dataclass(frozen=True, slots=True)
class SubmittedRefunds:
    """Refunds of one unit on their way together; the key is the same for every repeat.

    One that may be there already must be found out about before it is sent.
    """

    enterprise_id: UUID
    business_unit_id: UUID
    key: str
    business_date: date
    refunds: Sequence[SubmittedRefund]
    may_be_there: bool


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What the processor says of a refund, by a code of the decline table."""

    code: str
    message: str = ""
    transaction_id: str = ""


class RefundProcessor(Protocol):
    """The part of a payment processor that sends money back; the refund's key is the same for every repeat."""

    def refund(self, refund: SubmittedRefund) -> RefundAnswer | None:
        """Send money back; give nothing where the answer comes by callback.

        Raises NoAnswerError when nobody knows whether it went, Transient when it didn't.
        """
        ...

    @property
    def may_repeat(self) -> bool:
        """Tell whether a refund nobody knows about may be sent once more."""
        ...


class RefundFiler(Protocol):
    """A payment processor that takes refunds by the file; its answers come later."""

    def refund_together(self, submission: SubmittedRefunds) -> None:
        """Send refunds back, all or none.

        Raises NoAnswerError when nobody knows whether they went, Transient when they didn't.
        """
        ...

    @property
    def may_repeat(self) -> bool:
        """Tell whether refunds nobody knows about may be sent once more."""
        ...


def check_lines(lines: Sequence[ReturnLine]) -> int:
    """Give the total of a return. Raises InvalidArgument for amounts that can't be."""
    for place, line in enumerate(lines):
        for field, amount in (("amount", line.amount_minor), ("tax", line.tax_minor)):
            if amount < 0:
                raise InvalidArgument.field(f"lines[{place}].{field}", "must not be below zero.")
    total = sum(line.total_minor for line in lines)
    if total == 0:
        raise InvalidArgument.field("lines", "come to nothing; a return gives something back.")
    return total


def check_returned(total: Money, returnable_minor: int) -> None:
    """Refuse to take back more than was invoiced. Raises FailedPrecondition."""
    if total.amount_minor > returnable_minor:
        left = Money(max(returnable_minor, 0), total.currency)
        raise FailedPrecondition(
            "RETURN_ABOVE_INVOICED",
            f"{total} is more than was invoiced and not returned yet, {left}; return at most that.",
            metadata={"amount": str(total), "returnable": str(left)},
        )


def check_refunded(amount: Money, refundable_minor: int, what: str) -> None:
    """Refuse to pay back more than was paid. Raises FailedPrecondition."""
    if amount.amount_minor > refundable_minor:
        left = Money(max(refundable_minor, 0), amount.currency)
        raise FailedPrecondition(
            "REFUND_ABOVE_PAID",
            f"{amount} is more than was paid {what} and not paid back yet, {left}; "
            "refund at most that and leave the rest as credit of the account.",
            metadata={"amount": str(amount), "refundable": str(left)},
        )


def check_credit(amount: Money, credit_minor: int) -> None:
    """Refuse to pay back credit that isn't there. Raises FailedPrecondition."""
    if amount.amount_minor > credit_minor:
        credit = Money(credit_minor, amount.currency)
        raise FailedPrecondition(
            "REFUND_ABOVE_CREDIT",
            f"{amount} is more than the account's credit of {credit}; refund at most that, or return items first.",
            metadata={"amount": str(amount), "credit": str(credit)},
        )
