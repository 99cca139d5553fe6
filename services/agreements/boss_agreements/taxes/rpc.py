"""TaxService."""

import grpc
from boss.agreements.v1 import tax_service_pb2 as pb
from boss.agreements.v1 import tax_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.taxes.commands import check_tax
from boss_agreements.taxes.convert import TAXES, read_tax, write_tax
from boss_agreements.taxes.store import TAXES as SHELF
from boss_kit.rpc.door import Door


class TaxServicer(pb_grpc.TaxServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, TAXES, write_tax, check_tax)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_TaxServiceServicer_to_server(self, server)

    def CreateTax(self, request: pb.CreateTaxRequest, context: grpc.ServicerContext) -> pb.Tax:
        """Make a tax."""
        return self._entries.create(request, lambda head: read_tax(request.tax, head))

    def GetTax(self, request: pb.GetTaxRequest, context: grpc.ServicerContext) -> pb.Tax:
        """Read a tax."""
        return self._entries.get(request)

    def ListTaxes(self, request: pb.ListTaxesRequest, context: grpc.ServicerContext) -> pb.ListTaxesResponse:
        """List taxes by display name."""
        return self._entries.list(request, lambda rows, token: pb.ListTaxesResponse(taxes=rows, next_page_token=token))

    def UpdateTax(self, request: pb.UpdateTaxRequest, context: grpc.ServicerContext) -> pb.Tax:
        """Replace a tax."""
        return self._entries.update(request, request.tax, "tax", lambda head: read_tax(request.tax, head))
