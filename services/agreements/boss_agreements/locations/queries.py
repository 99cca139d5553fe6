"""Read locations."""

from uuid import UUID

from boss_agreements.locations.rules import Location
from boss_agreements.locations.store import LOCATIONS
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


def check_location(tx: Transaction, enterprise_id: UUID, unit_id: UUID, location_id: UUID, field: str) -> Location:
    """Give a location of a unit that something may happen at. Raises InvalidArgument for another or inactive one."""
    found = LOCATIONS.visible(tx.connection, enterprise_id, unit_id, [location_id]).get(location_id)
    if found is None:
        raise InvalidArgument.field(field, f"{location_id} is not a location here.", "LOCATION_UNKNOWN")
    if not found.active:
        raise InvalidArgument.field(field, f"{found.name!r} isn't active; choose another.", "LOCATION_INACTIVE")
    return found
