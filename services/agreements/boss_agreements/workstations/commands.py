"""Check workstations before they are saved."""

from boss_agreements.catalogue.rules import check_of_unit
from boss_agreements.locations.store import LOCATIONS
from boss_agreements.workstations.rules import Workstation
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


def check_workstation(tx: Transaction, workstation: Workstation) -> Workstation:
    """Give a workstation as it is kept: it stands in a location of its unit. Raises InvalidArgument."""
    unit_id, place = check_of_unit(workstation), workstation.location_id
    if not LOCATIONS.visible(tx.connection, workstation.enterprise_id, unit_id, [place]):
        raise InvalidArgument.field("workstation.location", f"{place} is not a location of this business unit.")
    return workstation
