"""Read promotions."""

from uuid import UUID

from boss_agreements.catalogue.queries import get_visible
from boss_agreements.promotions.rules import Promotion
from boss_agreements.promotions.store import PROMOTIONS
from boss_kit.unit_of_work import Transaction


def get_promotion(tx: Transaction, enterprise_id: UUID, unit_id: UUID, promotion_id: UUID) -> Promotion:
    """Read a promotion that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, PROMOTIONS, enterprise_id, unit_id, promotion_id)
