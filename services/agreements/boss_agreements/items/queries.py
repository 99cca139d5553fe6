"""Read items, with the prices that a unit charges."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from boss_agreements.catalogue.queries import get_visible
from boss_agreements.items import store
from boss_agreements.items.rules import Item, UnitPrice
from boss_agreements.items.store import ITEMS
from boss_agreements.organization.queries import get_unit
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


def get_item(tx: Transaction, enterprise_id: UUID, unit_id: UUID, item_id: UUID) -> Item:
    """Read an item that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, ITEMS, enterprise_id, unit_id, item_id)


def get_items(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, item_ids: Collection[UUID]
) -> Mapping[UUID, Item]:
    """Read those of some items that a unit sees, inactive ones too, at the prices it charges (SPEC AGR-1)."""
    found = ITEMS.visible(tx.connection, enterprise_id, unit_id, item_ids)
    prices = prices_of(tx, enterprise_id, unit_id, found.keys())
    return {one.id: _at_price(one, prices.get(one.id)) for one in found.values()}


def prices_of(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, item_ids: Collection[UUID]
) -> Mapping[UUID, Money]:
    """Read what a unit charges for items, where it isn't the item's own price; an enterprise charges nothing."""
    if unit_id is None or not item_ids:
        return {}
    return store.unit_prices(tx.connection, enterprise_id, unit_id, item_ids)


def unit_prices(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, after: tuple[str, UUID] | None, limit: int
) -> Sequence[UnitPrice]:
    """Read a page of what a unit charges for items of the enterprise, by name. Raises NotFound."""
    get_unit(tx, enterprise_id, unit_id)
    return store.unit_prices_page(tx.connection, enterprise_id, unit_id, after, limit)


def _at_price(item: Item, price: Money | None) -> Item:
    return item if price is None else replace(item, price_minor=price.amount_minor, currency=price.currency)
