"""Make enterprises and business units."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_agreements.organization import store
from boss_agreements.organization.rules import (
    BusinessUnit,
    BusinessUnitChanged,
    Enterprise,
    business_unit_id,
    check_unit,
)
from boss_kit.errors import AlreadyExists, NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class CreateBusinessUnit:
    """A unit as it is asked for."""

    enterprise_id: UUID
    external_id: str
    display_name: str
    time_zone: str
    currency: str


def create_enterprise(tx: Transaction, enterprise_id: UUID, display_name: str) -> Enterprise:
    """Make an enterprise; the same one again is fine. Raises AlreadyExists when the id has another name."""
    new = Enterprise(enterprise_id, display_name, tx.now)
    if store.add_enterprise(tx.connection, new):
        return new
    known = store.find_enterprise(tx.connection, enterprise_id)
    if known is None or known.display_name != display_name:
        raise AlreadyExists(
            "ENTERPRISE_EXISTS",
            f"The enterprise {enterprise_id} is there already, under another name; take another id.",
            metadata={"enterprise_id": str(enterprise_id)},
        )
    return known


def create_business_unit(tx: Transaction, command: CreateBusinessUnit) -> BusinessUnit:
    """Make a business unit. Raises InvalidArgument, AlreadyExists, or NotFound without the enterprise."""
    check_unit(command.time_zone, command.currency)
    if store.find_enterprise(tx.connection, command.enterprise_id) is None:
        raise NotFound(
            "ENTERPRISE_NOT_FOUND",
            f"There is no enterprise {command.enterprise_id}; create it first.",
            metadata={"enterprise_id": str(command.enterprise_id)},
        )
    unit = BusinessUnit(
        business_unit_id(command.enterprise_id, command.external_id),
        command.enterprise_id,
        command.external_id,
        command.display_name,
        command.time_zone,
        command.currency,
        1,
        tx.now,
    )
    if not store.add_unit(tx.connection, unit):
        raise AlreadyExists(
            "BUSINESS_UNIT_EXISTS",
            f"A business unit {command.external_id!r} is there already; take another external id.",
            metadata={"external_id": command.external_id},
        )
    tx.publish(BusinessUnitChanged(unit, tx.today(unit.time_zone)))
    return unit


def republish_units(tx: Transaction, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Publish the state of all units again, in one page; give their ids."""
    units = [] if after else store.units_of(tx.connection, enterprise_id)
    tx.publish(*(BusinessUnitChanged(unit, tx.today(unit.time_zone)) for unit in units))
    return [unit.id for unit in units]
