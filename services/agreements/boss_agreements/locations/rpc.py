"""LocationService."""

import grpc
from boss.agreements.v1 import location_service_pb2 as pb
from boss.agreements.v1 import location_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.locations.commands import check_location
from boss_agreements.locations.convert import LOCATIONS, read_location, write_location
from boss_agreements.locations.store import LOCATIONS as SHELF
from boss_kit.rpc.door import Door


class LocationServicer(pb_grpc.LocationServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, LOCATIONS, write_location, check_location)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_LocationServiceServicer_to_server(self, server)

    def CreateLocation(self, request: pb.CreateLocationRequest, context: grpc.ServicerContext) -> pb.Location:
        """Make a location."""
        return self._entries.create(request, lambda head: read_location(request.location, head))

    def GetLocation(self, request: pb.GetLocationRequest, context: grpc.ServicerContext) -> pb.Location:
        """Read a location."""
        return self._entries.get(request)

    def ListLocations(
        self, request: pb.ListLocationsRequest, context: grpc.ServicerContext
    ) -> pb.ListLocationsResponse:
        """List locations by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListLocationsResponse(locations=rows, next_page_token=token)
        )

    def UpdateLocation(self, request: pb.UpdateLocationRequest, context: grpc.ServicerContext) -> pb.Location:
        """Replace a location."""
        return self._entries.update(
            request, request.location, "location", lambda head: read_location(request.location, head)
        )
