"""Check items before they are saved."""

from boss_agreements.items.rules import Item, saved_item
from boss_agreements.organization.queries import check_currency
from boss_kit.unit_of_work import Transaction


def check_item(tx: Transaction, item: Item) -> Item:
    """Give an item as it is kept; a unit's own is sold in the unit's currency. Raises InvalidArgument."""
    saved = saved_item(item)
    check_currency(tx, saved.enterprise_id, saved.business_unit_id, saved.currency, "item.price")
    return saved
