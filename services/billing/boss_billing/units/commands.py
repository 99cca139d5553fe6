"""Keep the copy of business units, and set how they bill."""

from collections.abc import Sequence
from uuid import UUID

from boss_billing.units import store
from boss_billing.units.rules import (
    DIVISION_NAME,
    UNIT_NAME,
    BillingSettings,
    BusinessUnitChanged,
    Unit,
    check_settings,
    require_units,
)
from boss_kit import names
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction


def keep_units(tx: Transaction, received: Sequence[Received[BusinessUnitChanged]]) -> None:
    """Write what agreements says of units."""
    store.save_units(tx.connection, [_unit(one.fact) for one in received])


def update_settings(tx: Transaction, enterprise_id: UUID, unit_id: UUID, settings: BillingSettings) -> Unit:
    """Set how a unit bills. Raises NotFound without the unit, InvalidArgument for settings that don't go together."""
    check_settings(settings)
    require_unit(tx, enterprise_id, unit_id)
    store.save_settings(tx.connection, enterprise_id, unit_id, settings)
    return require_unit(tx, enterprise_id, unit_id)


def require_unit(tx: Transaction, enterprise_id: UUID, unit_id: UUID) -> Unit:
    """Read a unit. Raises NotFound."""
    unit = store.find_unit(tx.connection, enterprise_id, unit_id)
    known = {unit_id: unit} if unit is not None else {}
    require_units([unit_id], known)
    return known[unit_id]


def _unit(fact: BusinessUnitChanged) -> Unit:
    ids = names.parse(UNIT_NAME, fact.business_unit, "business_unit")
    division_id = names.parse(DIVISION_NAME, fact.division, "division")["d"] if fact.division else None
    return Unit(ids["e"], ids["b"], fact.display_name, fact.time_zone, fact.currency, division_id=division_id)
