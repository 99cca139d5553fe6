"""Decide settings; the units below learn it."""

from boss_agreements.inherited_settings import queries, rules, store
from boss_agreements.inherited_settings.rules import Effective, Node
from boss_agreements.organization import store as organization
from boss_agreements.organization.commands import publish_changed
from boss_kit.unit_of_work import Transaction


def set_value(tx: Transaction, node: Node, key: str, value: str) -> Effective:
    """Set a level's own value and publish the units it reaches. Raises InvalidArgument, NotFound."""
    kept = rules.checked_value(key, value)
    queries.levels_above(tx, node)
    store.put(tx.connection, node.enterprise_id, node.id, key, kept)
    return _changed(tx, node, key)


def use_default(tx: Transaction, node: Node, key: str) -> Effective:
    """Take the next level up again (SPEC 0). Raises FailedPrecondition for an enterprise, which has no default."""
    rules.check_key(key)
    rules.check_has_default(node)
    queries.levels_above(tx, node)
    store.remove(tx.connection, node.enterprise_id, node.id, key)
    return _changed(tx, node, key)


def _changed(tx: Transaction, node: Node, key: str) -> Effective:
    publish_changed(
        tx,
        organization.touch_units(tx.connection, node.enterprise_id, division_id=node.division_id, unit_id=node.unit_id),
    )
    return next(one for one in queries.effective_settings(tx, node) if one.key == key)
