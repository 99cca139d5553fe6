"""Make enterprises and business units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from boss_agreements.catalogue.queries import not_found as entry_not_found
from boss_agreements.catalogue.rules import check_etag
from boss_agreements.divisions.store import DIVISIONS
from boss_agreements.inherited_settings.queries import settings_of_units
from boss_agreements.organization import store
from boss_agreements.organization.queries import enterprise_not_found, get_enterprise, not_found
from boss_agreements.organization.rules import (
    BusinessUnit,
    BusinessUnitChanged,
    Enterprise,
    business_unit_id,
    check_unchanged,
    check_unit,
)
from boss_kit.errors import AlreadyExists
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class CreateBusinessUnit:
    """A unit as it is asked for."""

    enterprise_id: UUID
    external_id: str
    display_name: str
    time_zone: str
    currency: str
    division_id: UUID | None = None


@dataclass(frozen=True)
class UpdateBusinessUnit:
    """A unit as it shall be, and the etag it was read with."""

    enterprise_id: UUID
    business_unit_id: UUID
    etag: str
    external_id: str
    display_name: str
    time_zone: str
    currency: str
    division_id: UUID | None


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


def update_enterprise(tx: Transaction, enterprise_id: UUID, display_name: str, etag: str) -> Enterprise:
    """Change an enterprise's name. Raises NotFound, InvalidArgument, Aborted for an older etag."""
    before = store.lock_enterprise(tx.connection, enterprise_id)
    if before is None:
        raise enterprise_not_found(enterprise_id)
    check_etag(before.version, etag)
    if display_name == before.display_name:
        return before
    after = replace(before, display_name=display_name, version=before.version + 1)
    store.save_enterprise(tx.connection, after)
    return after


def create_business_unit(tx: Transaction, command: CreateBusinessUnit) -> BusinessUnit:
    """Make a business unit. Raises InvalidArgument, AlreadyExists, or NotFound without the enterprise."""
    check_unit(command.time_zone, command.currency)
    get_enterprise(tx, command.enterprise_id)
    check_division(tx, command.enterprise_id, command.division_id)
    unit = BusinessUnit(
        business_unit_id(command.enterprise_id, command.external_id),
        command.enterprise_id,
        command.external_id,
        command.display_name,
        command.time_zone,
        command.currency,
        1,
        tx.now,
        command.division_id,
    )
    if not store.add_unit(tx.connection, unit):
        raise AlreadyExists(
            "BUSINESS_UNIT_EXISTS",
            f"A business unit {command.external_id!r} is there already; take another external id.",
            metadata={"external_id": command.external_id},
        )
    publish_changed(tx, [unit])
    return unit


def update_business_unit(tx: Transaction, command: UpdateBusinessUnit) -> BusinessUnit:
    """Change a unit's name, time zone and division. Raises NotFound, InvalidArgument, Aborted for an older etag."""
    before = store.lock_unit(tx.connection, command.enterprise_id, command.business_unit_id)
    if before is None:
        raise not_found(command.business_unit_id)
    check_etag(before.version, command.etag)
    check_unchanged(before, command.external_id, command.currency)
    check_unit(command.time_zone, command.currency)
    check_division(tx, command.enterprise_id, command.division_id)
    after = replace(
        before, display_name=command.display_name, time_zone=command.time_zone, division_id=command.division_id
    )
    if after == before:
        return before
    after = replace(after, version=before.version + 1)
    store.save_unit(tx.connection, after)
    publish_changed(tx, [after])
    return after


def publish_changed(tx: Transaction, units: Sequence[BusinessUnit]) -> None:
    """Publish the state of units, with the settings that apply to them."""
    settings = settings_of_units(tx, units)
    tx.publish(*(BusinessUnitChanged(unit, tx.today(unit.time_zone), settings[unit.id]) for unit in units))


def check_division(tx: Transaction, enterprise_id: UUID, division_id: UUID | None) -> None:
    """Refuse a division there isn't. Raises NotFound."""
    if division_id is not None and not DIVISIONS.visible(tx.connection, enterprise_id, None, [division_id]):
        raise entry_not_found(DIVISIONS.noun, division_id)


def republish_units(tx: Transaction, enterprise_id: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Publish the state of all units again, in one page; give their ids."""
    units = [] if after else store.units_of(tx.connection, enterprise_id)
    publish_changed(tx, units)
    return [unit.id for unit in units]
