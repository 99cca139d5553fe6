"""Check locations before they are saved."""

from boss_agreements.catalogue.rules import check_of_unit
from boss_agreements.locations.rules import Location
from boss_kit.unit_of_work import Transaction


def check_location(tx: Transaction, location: Location) -> Location:
    """Give a location as it is kept: only a business unit has some. Raises InvalidArgument."""
    check_of_unit(location)
    return location
