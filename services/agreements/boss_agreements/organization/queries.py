"""Read business units."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from boss_agreements.organization import store
from boss_agreements.organization.rules import BusinessUnit, Enterprise
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.unit_of_work import Transaction


def get_unit(tx: Transaction, enterprise_id: UUID, unit_id: UUID) -> BusinessUnit:
    """Read a business unit. Raises NotFound."""
    unit = store.find_unit(tx.connection, enterprise_id, unit_id)
    if unit is None:
        raise not_found(unit_id)
    return unit


def get_enterprise(tx: Transaction, enterprise_id: UUID) -> Enterprise:
    """Read an enterprise. Raises NotFound."""
    found = store.find_enterprise(tx.connection, enterprise_id)
    if found is None:
        raise enterprise_not_found(enterprise_id)
    return found


def list_units(
    tx: Transaction, enterprise_id: UUID, division_id: UUID | None, after: str, limit: int
) -> Sequence[BusinessUnit]:
    """Read a page of an enterprise's or a division's units by external id."""
    return store.units_page(tx.connection, enterprise_id, division_id, after, limit)


def zones_of(tx: Transaction, enterprise_id: UUID) -> Mapping[UUID, str]:
    """Read the time zones of an enterprise's units."""
    return {unit.id: unit.time_zone for unit in store.units_of(tx.connection, enterprise_id)}


def check_currency(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, currency: str, field: str) -> None:
    """Refuse money of another currency than the unit's; an enterprise has none. Raises InvalidArgument, NotFound."""
    if unit_id is None:
        return
    unit = get_unit(tx, enterprise_id, unit_id)
    if currency != unit.currency:
        raise InvalidArgument.field(field, f"is in {currency}, but the business unit bills in {unit.currency}.")


def currencies_of(tx: Transaction, enterprise_id: UUID) -> Mapping[UUID, str]:
    """Read the currencies of an enterprise's units."""
    return {unit.id: unit.currency for unit in store.units_of(tx.connection, enterprise_id)}


def enterprise_not_found(enterprise_id: UUID) -> NotFound:
    """Make the error for a missing enterprise."""
    return NotFound(
        "ENTERPRISE_NOT_FOUND",
        f"There is no enterprise {enterprise_id}; create it first.",
        metadata={"enterprise_id": str(enterprise_id)},
    )


def not_found(unit_id: UUID) -> NotFound:
    """Make the error for a missing unit."""
    return NotFound(
        "BUSINESS_UNIT_NOT_FOUND",
        f"There is no business unit {unit_id} in this enterprise.",
        metadata={"business_unit_id": str(unit_id)},
    )
