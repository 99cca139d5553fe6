"""BundleService."""

import grpc
from boss.agreements.v1 import bundle_service_pb2 as pb
from boss.agreements.v1 import bundle_service_pb2_grpc as pb_grpc

from boss_agreements.bundles.commands import check_bundle
from boss_agreements.bundles.convert import BUNDLES, read_bundle, write_bundle
from boss_agreements.bundles.store import BUNDLES as SHELF
from boss_agreements.catalogue.rpc import Counter
from boss_kit.rpc.door import Door


class BundleServicer(pb_grpc.BundleServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._bundles = Counter(door, SHELF, BUNDLES, write_bundle, check_bundle)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_BundleServiceServicer_to_server(self, server)

    def CreateBundle(self, request: pb.CreateBundleRequest, context: grpc.ServicerContext) -> pb.Bundle:
        """Make a bundle."""
        return self._bundles.create(request, lambda head: read_bundle(request.bundle, head))

    def GetBundle(self, request: pb.GetBundleRequest, context: grpc.ServicerContext) -> pb.Bundle:
        """Read a bundle."""
        return self._bundles.get(request)

    def ListBundles(self, request: pb.ListBundlesRequest, context: grpc.ServicerContext) -> pb.ListBundlesResponse:
        """List bundles by display name."""
        return self._bundles.list(
            request, lambda rows, token: pb.ListBundlesResponse(bundles=rows, next_page_token=token)
        )

    def UpdateBundle(self, request: pb.UpdateBundleRequest, context: grpc.ServicerContext) -> pb.Bundle:
        """Replace a bundle."""
        return self._bundles.update(request, request.bundle, "bundle", lambda head: read_bundle(request.bundle, head))
