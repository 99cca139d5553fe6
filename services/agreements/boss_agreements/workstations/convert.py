"""Workstations, to and from protos."""

from boss.agreements.v1 import workstation_service_pb2 as pb

from boss_agreements.catalogue.convert import entry_of, given, header, name_at
from boss_agreements.catalogue.rules import Head
from boss_agreements.locations.convert import LOCATIONS
from boss_agreements.workstations.rules import Workstation

WORKSTATIONS = "workstations"


def read_workstation(message: pb.Workstation, head: Head) -> Workstation:
    """Read a workstation."""
    return Workstation(
        **given(head, message), location_id=entry_of(message.location, LOCATIONS, "workstation.location").id
    )


def write_workstation(workstation: Workstation) -> pb.Workstation:
    """Write a workstation."""
    return pb.Workstation(
        **header(workstation, WORKSTATIONS),
        location=name_at(workstation.enterprise_id, workstation.business_unit_id, LOCATIONS, workstation.location_id),
    )
