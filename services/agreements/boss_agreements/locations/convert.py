"""Locations, to and from protos."""

from boss.agreements.v1 import location_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.locations.rules import Location

LOCATIONS = "locations"


def read_location(message: pb.Location, head: Head) -> Location:
    """Read a location."""
    return Location(
        **given(head, message),
        address_lines=tuple(message.address_lines),
        phone=message.phone,
    )


def write_location(location: Location) -> pb.Location:
    """Write a location."""
    return pb.Location(**header(location, LOCATIONS), address_lines=location.address_lines, phone=location.phone)
