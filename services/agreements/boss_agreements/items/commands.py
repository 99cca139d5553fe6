"""Check items before they are saved, and set what units charge for the enterprise's."""

from uuid import UUID

from boss_agreements.items import rules, store
from boss_agreements.items.queries import get_item
from boss_agreements.items.rules import Item, UnitPrice, saved_item
from boss_agreements.organization.queries import check_currency, get_unit
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


def check_item(tx: Transaction, item: Item) -> Item:
    """Give an item as it is kept; a unit's own is sold in the unit's currency. Raises InvalidArgument."""
    saved = saved_item(item)
    check_currency(tx, saved.enterprise_id, saved.business_unit_id, saved.currency, "item.price")
    return saved


def set_unit_price(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, item_id: UUID, price: Money | None
) -> UnitPrice:
    """Set what a unit charges for an item of the enterprise; what is sold keeps its price (SPEC AGR-1).

    Raises NotFound, InvalidArgument, FailedPrecondition.
    """
    unit = get_unit(tx, enterprise_id, unit_id)
    found = UnitPrice(unit.id, get_item(tx, enterprise_id, unit_id, item_id), price)
    rules.check_unit_price(found, unit.currency)
    store.save_unit_price(tx.connection, found)
    return found
