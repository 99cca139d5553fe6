"""Check promotions before they are saved."""

from boss_agreements.definitions.store import DEFINITIONS
from boss_agreements.items.store import ITEMS
from boss_agreements.promotions.rules import Promotion, saved_promotion
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


def check_promotion(tx: Transaction, promotion: Promotion) -> Promotion:
    """Give a promotion as it is kept; what it names is its owner's or the enterprise's. Raises InvalidArgument."""
    saved = saved_promotion(promotion)
    for field, shelf, ids in (
        ("items", ITEMS, saved.item_ids),
        ("definitions", DEFINITIONS, saved.definition_ids),
    ):
        missing = set(ids) - shelf.visible(tx.connection, saved.enterprise_id, saved.business_unit_id, ids).keys()
        if missing:
            raise InvalidArgument.field(f"promotion.{field}", f"{min(missing)} is none of the {field} here.")
    return saved
