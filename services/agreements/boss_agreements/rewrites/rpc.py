"""RewriteService."""

import grpc
from boss.agreements.v1 import rewrite_service_pb2 as pb
from boss.agreements.v1 import rewrite_service_pb2_grpc as pb_grpc

from boss_agreements.rewrites import commands, convert, queries
from boss_kit.rpc.door import Door


class RewriteServicer(pb_grpc.RewriteServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_RewriteServiceServicer_to_server(self, server)

    def PreviewRewrite(self, request: pb.PreviewRewriteRequest, context: grpc.ServicerContext) -> pb.RewriteResult:
        """Tell what a rewrite would make."""
        asked = convert.request(request.parent, request.rewrite)
        return self._door.query(request, lambda tx: convert.preview(queries.preview_rewrite(tx, asked)))

    def RewriteAgreement(self, request: pb.RewriteAgreementRequest, context: grpc.ServicerContext) -> pb.RewriteResult:
        """Rewrite an agreement."""
        asked = convert.request(request.parent, request.rewrite)
        return self._door.command(request, lambda tx: convert.result(commands.rewrite_agreement(tx, asked)))
