"""What an item is (SPEC AGR-1). Pure."""

from dataclasses import dataclass, replace
from uuid import UUID

from boss_agreements.agreements.rules import (
    ACCESS,
    FEE,
    PRODUCT,
    RENTAL,
    SERVICE,
    TERM_MONTHS_MAX,
    TIME,
    UNIT,
    UNITS_MAX,
    VALIDITY_DAYS_MAX,
    check_price,
)
from boss_agreements.catalogue.rules import Entry, check_choice
from boss_kit.errors import FailedPrecondition, InvalidArgument
from boss_kit.money import EXPONENTS, UNKNOWN, Money

KINDS = (ACCESS, SERVICE, PRODUCT, RENTAL, FEE)
BASES = (TIME, UNIT)
KEY_KINDS = (ACCESS, SERVICE, RENTAL)
"""What may be the Key Item of a bundle: what a member comes for again and again."""


@dataclass(frozen=True, kw_only=True)
class Item(Entry):
    """Something a club sells; its price is per cycle where it recurs.

    A unit-based item grants `units` each cycle, valid for `validity_days` or to the end of the paid cycle; `taxes` are
    names that each unit gives its own rates; `term_months` is how long a fixed term of it lasts, as a Key Item.
    """

    kind: str
    basis: str = TIME
    units: int | None = None
    validity_days: int | None = None
    term_months: int | None = None
    price_minor: int
    currency: str
    taxes: tuple[str, ...] = ()
    category: str

    @property
    def price(self) -> Money:
        """Give the price."""
        return Money(self.price_minor, self.currency)

    @property
    def may_be_key(self) -> bool:
        """Tell whether it may be the Key Item of a bundle."""
        return self.kind in KEY_KINDS


@dataclass(frozen=True)
class UnitPrice:
    """What a unit charges for an item of the enterprise; without a price the item's own."""

    business_unit_id: UUID
    item: Item
    price: Money | None


def check_unit_price(one: UnitPrice, unit_currency: str) -> None:
    """Refuse a price that a unit can't charge (SPEC AGR-1). Raises InvalidArgument, FailedPrecondition OWN_ITEM."""
    if one.item.business_unit_id is not None:
        raise FailedPrecondition(
            "OWN_ITEM",
            f"unit_price.item: {one.item.name!r} is the business unit's own; change the price in the item.",
            metadata={"field": "unit_price.item", "item": one.item.name},
        )
    if one.price is None:
        return
    if one.price.currency != unit_currency:
        raise InvalidArgument.field(
            "unit_price.price", f"is in {one.price.currency}, but the business unit bills in {unit_currency}."
        )
    check_price(one.price.amount_minor, "unit_price.price")


def saved_item(item: Item) -> Item:
    """Give an item as it is kept. Raises InvalidArgument."""
    check_choice(item.kind, KINDS, "item.kind")
    check_choice(item.basis, BASES, "item.basis")
    if item.currency not in EXPONENTS:
        raise InvalidArgument.field("item.price.currency_code", f"{item.currency[:10]!r} {UNKNOWN}")
    check_price(item.price_minor, "item.price")
    _check_units(item)
    if item.term_months is not None and not (item.may_be_key and 1 <= item.term_months <= TERM_MONTHS_MAX):
        raise InvalidArgument.field(
            "item.term_months", f"is for access, services and rentals, 1 to {TERM_MONTHS_MAX} months."
        )
    if not item.category.strip():
        raise InvalidArgument.field("item.category", "is required; reports group by it.")
    return replace(item, taxes=tuple(dict.fromkeys(item.taxes)), category=item.category.strip())


def _check_units(item: Item) -> None:
    if item.basis == UNIT:
        if item.kind not in (ACCESS, SERVICE):
            raise InvalidArgument.field("item.basis", f"can't be unit for a {item.kind}; only access and services are.")
        if item.units is None or not 1 <= item.units <= UNITS_MAX:
            raise InvalidArgument.field("item.units", f"must lie between 1 and {UNITS_MAX:,} for a unit-based item.")
    elif item.units is not None:
        raise InvalidArgument.field("item.units", "is for unit-based items; leave it out for a time-based one.")
    if item.validity_days is not None and not 1 <= item.validity_days <= VALIDITY_DAYS_MAX:
        raise InvalidArgument.field(
            "item.validity_days",
            f"must lie between 1 and {VALIDITY_DAYS_MAX:,}, or be left out: to the end of the paid cycle.",
        )
