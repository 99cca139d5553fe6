"""Check bundles before they are saved."""

from boss_agreements.bundles import rules
from boss_agreements.bundles.rules import Bundle
from boss_agreements.items.queries import get_items
from boss_kit.unit_of_work import Transaction


def check_bundle(tx: Transaction, bundle: Bundle) -> Bundle:
    """Give a bundle as it is kept; its items are its owner's or the enterprise's. Raises InvalidArgument."""
    rules.check_bundle(bundle, get_items(tx, bundle.enterprise_id, bundle.business_unit_id, bundle.item_ids))
    return bundle
