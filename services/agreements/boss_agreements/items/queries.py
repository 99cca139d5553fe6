"""Read items."""

from collections.abc import Collection, Mapping
from uuid import UUID

from boss_agreements.catalogue.queries import get_visible
from boss_agreements.items.rules import Item
from boss_agreements.items.store import ITEMS
from boss_kit.unit_of_work import Transaction


def get_item(tx: Transaction, enterprise_id: UUID, unit_id: UUID, item_id: UUID) -> Item:
    """Read an item that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, ITEMS, enterprise_id, unit_id, item_id)


def get_items(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, item_ids: Collection[UUID]
) -> Mapping[UUID, Item]:
    """Read those of some items that a unit sees, inactive ones too."""
    return ITEMS.visible(tx.connection, enterprise_id, unit_id, item_ids)
