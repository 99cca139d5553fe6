"""Reading the configuration, and asking whether a call is in order."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from boss_arm.configuration import rules, store
from boss_arm.configuration.rules import ArmSettings, Template
from boss_kit.unit_of_work import Transaction


def settings(tx: Transaction, unit_id: UUID) -> ArmSettings:
    """Give a unit's settings. Raises FailedPrecondition (ARM_NOT_ENABLED) while it is off."""
    return rules.require_enabled(store.find_settings(tx.connection, tx.enterprise_id, unit_id))


def require_level(tx: Transaction, unit_id: UUID | None) -> Sequence[ArmSettings]:
    """Give the settings of a level: of the unit, or of every unit that is on; refuse where none is."""
    if unit_id is not None:
        return [settings(tx, unit_id)]
    enabled = list(store.enabled_settings(tx.connection, tx.enterprise_id).values())
    rules.require_enabled(enabled[0] if enabled else None)
    return enabled


def require_template_order(tx: Transaction, unit_id: UUID | None) -> None:
    """Refuse a template before the settings: of its unit, or of any where the enterprise owns it (SPEC ARM-2)."""
    level = require_level(tx, unit_id)
    rules.require_configured(next((one for one in level if one.configured), level[0]))


def list_templates(
    tx: Transaction, unit_id: UUID | None, *, selectable: bool, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Template]:
    """List the templates owned at a level, or selectable there."""
    require_level(tx, unit_id)
    return store.list_templates(
        tx.connection, tx.enterprise_id, unit_id, selectable=selectable, after=after, limit=limit
    )
