"""Read bundles."""

from collections.abc import Collection, Mapping
from uuid import UUID

from boss_agreements.bundles.rules import Bundle
from boss_agreements.bundles.store import BUNDLES
from boss_kit.unit_of_work import Transaction


def get_bundles(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, bundle_ids: Collection[UUID]
) -> Mapping[UUID, Bundle]:
    """Read those of some bundles that a unit sees, inactive ones too."""
    return BUNDLES.visible(tx.connection, enterprise_id, unit_id, bundle_ids)
