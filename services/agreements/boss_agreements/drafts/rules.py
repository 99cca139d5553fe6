"""What a draft holds, and what the catalogue offers for it (SPEC AGR-1, AGR-4). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from boss_agreements.agreements.rules import (
    ADD_ON,
    BILLINGS,
    INSTALMENT,
    ONCE,
    PAID_IN_FULL,
    PERPETUAL,
    PRIMARY,
    PRODUCT,
)
from boss_agreements.definitions.rules import OPTIONAL, Offer, OfferedItem, OfferedPart
from boss_kit.money import Money

DRAFT, FINALIZING, FINALIZED, DISCARDED = "Draft", "Finalizing", "Finalized", "Discarded"
PAYMENTS = (PERPETUAL, INSTALMENT, PAID_IN_FULL)
ROLES = (PRIMARY, ADD_ON)
LINE_BILLINGS = BILLINGS
TENDERS = ("CASH", "CHECK", "CARD")
ON_ACCOUNT = ""


@dataclass(frozen=True)
class DraftLine:
    """A chosen bundle, or a chosen item; billing and schedule are empty unless the desk agreed on other ones for it."""

    bundle_id: UUID | None = None
    item_id: UUID | None = None
    quantity: int = 1
    billing: str = ""
    schedule: str = ""

    @property
    def part_id(self) -> UUID | None:
        """The part of the definition it chooses."""
        return self.bundle_id or self.item_id


@dataclass(frozen=True, kw_only=True)
class Content:
    """What the desk has put into a draft so far.

    Schedule, payment, term and obligation are empty where they are as the catalogue has them. `tender` is how the
    amount due at sale is paid at the desk; empty puts it on account, to be collected on `collect_date`.
    """

    definition_id: UUID
    owner_id: UUID
    start_date: date
    schedule: str = ""
    payment: str = ""
    term_months: int = 0
    obligation_months: int = 0
    lines: tuple[DraftLine, ...] = ()
    account_id: UUID | None = None
    party_ids: tuple[UUID, ...] = ()
    group_id: UUID | None = None
    role: str = PRIMARY
    primary_agreement_id: UUID | None = None
    funding_source_id: UUID | None = None
    promotion_ids: tuple[UUID, ...] = ()
    promotion_code: str = ""
    sales_advisors: tuple[str, ...] = ()
    barcode: str = ""
    is_online: bool = False
    location_id: UUID | None = None
    tender: str = ON_ACCOUNT
    collect_date: date | None = None


class Chosen(NamedTuple):
    """An item that is sold, with the part it comes with and the line that chose it."""

    line: DraftLine
    part: OfferedPart
    offered: OfferedItem

    @property
    def is_key_item(self) -> bool:
        """Tell whether the agreement is about it: an optional part doesn't make the agreement."""
        return self.offered.is_key_item and self.part.required != OPTIONAL


@dataclass(frozen=True)
class SaleCharge:
    """A charge the sale puts on its invoice."""

    key: str
    description: str
    item: str
    item_category: str
    period_start: date
    period_end: date
    amount: Money
    tax: Money


@dataclass(frozen=True)
class Bill:
    """What a sale asks billing to take: its charges, from which account, and how they are paid."""

    enterprise_id: UUID
    business_unit_id: UUID
    account_id: UUID
    account_number: str
    agreement_id: UUID
    charges: tuple[SaleCharge, ...]
    funding_source_id: UUID | None
    tender: str
    due_date: date


@dataclass(frozen=True)
class Invoiced:
    """What is due at sale, on an invoice; the balance is what the account's credit left of it."""

    invoice: str
    balance: Money


def chosen_items(content: Content, offer: Offer) -> Sequence[Chosen]:
    """Give the items of the chosen parts, in order; what isn't offered is left out."""
    parts = {part.id: part for part in offer.parts}
    return [
        Chosen(line, part, offered)
        for line in content.lines
        if line.part_id is not None and (part := parts.get(line.part_id)) is not None
        for offered in part.items
    ]


def billing_of(content: Content, chosen: Chosen) -> str:
    """Say how an item of a sale bills: products once, all else as the desk agreed, or as the catalogue says."""
    if chosen.line.billing:
        return chosen.line.billing
    if chosen.offered.item.kind == PRODUCT or chosen.part.billing == ONCE:
        return ONCE
    return content.payment or chosen.part.billing


def schedule_of(content: Content, chosen: Chosen) -> str:
    """Say on which schedule an item of a sale bills; one that differs from its part's Key Item keeps its own."""
    part_schedule = next((one.schedule for one in chosen.part.items if one.is_key_item), chosen.offered.schedule)
    is_own = chosen.offered.schedule != part_schedule
    return chosen.line.schedule or (chosen.offered.schedule if is_own else content.schedule or part_schedule)


def is_perpetual(content: Content, offer: Offer) -> bool:
    """Tell whether the agreement has no end: one of its Key Items is paid as long as it runs."""
    return any(billing_of(content, chosen) == PERPETUAL for chosen in _keys(content, offer))


def term_months(content: Content, offer: Offer) -> int:
    """Tell how long a fixed term lasts: as agreed, else as long as its Key Item (SPEC AGR-4); 0 where nobody knows."""
    terms = [chosen.offered.item.term_months or 0 for chosen in _keys(content, offer)]
    return content.term_months or max(terms, default=0)


def obligation_months(content: Content, offer: Offer) -> int:
    """Tell how long a perpetual agreement must be kept: as agreed, else as the longest of its parts says."""
    chosen = [one.part.obligation_months for one in chosen_items(content, offer)]
    return content.obligation_months or max(chosen, default=0)


def _keys(content: Content, offer: Offer) -> Sequence[Chosen]:
    chosen = chosen_items(content, offer)
    return [one for one in chosen if one.is_key_item] or chosen
