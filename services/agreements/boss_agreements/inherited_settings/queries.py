"""Read what applies to a level, and where it comes from."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from boss_agreements.catalogue.queries import not_found
from boss_agreements.divisions.store import DIVISIONS
from boss_agreements.inherited_settings import rules, store
from boss_agreements.inherited_settings.rules import Effective, Node
from boss_agreements.organization.queries import get_unit
from boss_agreements.organization.rules import BusinessUnit
from boss_kit.unit_of_work import Transaction


def effective_settings(tx: Transaction, node: Node) -> Sequence[Effective]:
    """Read all settings that apply to a node, by key, each with its level (SPEC 0). Raises NotFound."""
    levels = levels_above(tx, node)
    values = store.values_of(tx.connection, node.enterprise_id, [level.id for level in levels])
    return [rules.effective(key, levels, values) for key in sorted(rules.SETTINGS)]


def settings_of_units(tx: Transaction, units: Sequence[BusinessUnit]) -> Mapping[UUID, Mapping[str, str]]:
    """Read what applies to units of one enterprise, at once."""
    if not units:
        return {}
    levels = {unit.id: levels_of_unit(unit) for unit in units}
    ids = {level.id for each in levels.values() for level in each}
    values = store.values_of(tx.connection, units[0].enterprise_id, ids)
    return {
        unit_id: {key: rules.effective(key, each, values).value for key in rules.SETTINGS}
        for unit_id, each in levels.items()
    }


def setting_of_unit(tx: Transaction, unit: BusinessUnit, key: str) -> str:
    """Read what applies to a unit."""
    return settings_of_units(tx, [unit])[unit.id][key]


def levels_above(tx: Transaction, node: Node) -> Sequence[Node]:
    """Give a node and the levels above it, nearest first. Raises NotFound for one that doesn't exist."""
    if node.unit_id is not None:
        return levels_of_unit(get_unit(tx, node.enterprise_id, node.unit_id))
    if node.division_id is not None:
        if not DIVISIONS.visible(tx.connection, node.enterprise_id, None, [node.division_id]):
            raise not_found(DIVISIONS.noun, node.division_id)
        return [node, Node(node.enterprise_id)]
    return [node]


def levels_of_unit(unit: BusinessUnit) -> Sequence[Node]:
    """Give a unit and the levels above it, nearest first."""
    division = [Node(unit.enterprise_id, unit.division_id)] if unit.division_id else []
    return [Node(unit.enterprise_id, unit_id=unit.id), *division, Node(unit.enterprise_id)]
