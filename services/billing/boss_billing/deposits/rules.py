"""Deposits: what a bank or processor says it paid out, and what each pays for (SPEC BIL-9). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from boss_kit.errors import InvalidArgument
from boss_kit.money import Money

STATEMENT_NAME = "enterprises/{e}/depositStatements/{s}"
NO_UNIT = UUID(int=0)
"""The unit of a deposit for a batch nobody knows: the money is in the bank, whose it is must be found out."""

AMOUNT_MINOR_MAX = 10**13
TENDER_ORDER = ("VISA", "MC", "DISC", "AMEX", "ACH")
"""Cards settle first; AMEX and ACH may come apart and later (SPEC BIL-3)."""


class Outcome(StrEnum):
    """What became of a deposit that was told."""

    NEW = "new"
    REPEATED = "repeated"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class DepositNotice:
    """A deposit as it was told; `deposit_key` is the source's own id of it, the same for every repeat.

    Without a tender it is for a whole batch; with a transaction id for one payment. A negative amount was taken back.
    """

    deposit_key: str
    source: str
    statement: str
    deposit_date: date
    batch_number: int
    label: str
    tender: str
    gross_minor: int
    fee_minor: int
    currency: str
    transaction_id: str = ""
    line_no: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one notice, and why."""

    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit of one tender, as it is kept; the parts of one notice share its key."""

    business_unit_id: UUID
    part: int
    notice: DepositNotice


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement file that was taken."""

    id: UUID
    enterprise_id: UUID
    source: str
    file_name: str
    content_hash: bytes
    lines: int
    gross_minor: int
    fee_minor: int
    currency: str


def check_amount(amount: Money, field: str) -> Money:
    """Give an amount back. Raises InvalidArgument for more than a deposit can be."""
    if abs(amount.amount_minor) > AMOUNT_MINOR_MAX:
        most = Money(AMOUNT_MINOR_MAX, amount.currency)
        raise InvalidArgument.field(field, f"{amount} is more than a deposit can be, {most} either way.")
    return amount


def parts_of(notice: DepositNotice, unit_id: UUID, awaited: Mapping[str, int]) -> list[Deposit]:
    """Give the deposits of a notice: one per tender, so that clearing empties tender by tender.

    `awaited` is what the batch still has to come by tender. A notice that names no tender is taken to pay what settles
    first; what is left over stays with the last one it paid, or with no tender at all.
    """
    if notice.tender or notice.gross_minor <= 0:
        return [Deposit(unit_id, 0, notice)]
    shares = share_out(notice.gross_minor, awaited)
    fees = spread(notice.fee_minor, [amount for _, amount in shares])
    return [
        Deposit(unit_id, part, replace(notice, tender=tender, gross_minor=amount, fee_minor=fee))
        for part, ((tender, amount), fee) in enumerate(zip(shares, fees, strict=True))
    ]


def share_out(amount_minor: int, awaited: Mapping[str, int]) -> list[tuple[str, int]]:
    """Share an amount out over what is awaited, in the order tenders settle; the last one takes what is left over."""
    found: list[tuple[str, int]] = []
    left = amount_minor
    for tender in in_settlement_order(awaited):
        part = min(left, awaited[tender])
        if part > 0:
            found.append((tender, part))
            left -= part
    if not found:
        return [("", left)]
    tender, part = found.pop()
    return [*found, (tender, part + left)]


def spread(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Spread an amount pro rata, each part cut to the cent and the remainder on the last (SPEC BIL-9)."""
    total = sum(weights)
    if total <= 0:
        return [0] * (len(weights) - 1) + [amount_minor]
    parts = [_toward_zero(amount_minor * weight, total) for weight in weights[:-1]]
    return [*parts, amount_minor - sum(parts)]


def _toward_zero(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)


def in_settlement_order(tenders: Mapping[str, int]) -> list[str]:
    """Order tenders as they settle; those nobody knows come last, by name."""
    known = {tender: place for place, tender in enumerate(TENDER_ORDER)}
    return sorted(tenders, key=lambda tender: (known.get(tender, len(known)), tender))


def says_the_same(told: DepositNotice, kept: Sequence[DepositNotice]) -> bool:
    """Tell whether a repeat says what was kept; one that was shared out among tenders is compared as a whole."""
    first = kept[0]
    facts = [(one.deposit_date, one.batch_number, one.label, one.currency, one.transaction_id) for one in (told, first)]
    amounts = sum(part.gross_minor for part in kept), sum(part.fee_minor for part in kept)
    tender_fits = not told.tender or {part.tender for part in kept} == {told.tender}
    return facts[0] == facts[1] and amounts == (told.gross_minor, told.fee_minor) and tender_fits
