"""RewriteService."""

from dataclasses import replace

import grpc
from boss.agreements.v1 import rewrite_service_pb2 as pb
from boss.agreements.v1 import rewrite_service_pb2_grpc as pb_grpc

from boss_agreements.clients import BillingInvoices
from boss_agreements.rewrites import commands, convert, queries
from boss_kit.rpc.door import Door


class RewriteServicer(pb_grpc.RewriteServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door, invoices: BillingInvoices) -> None:
        self._door = door
        self._invoices = invoices

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_RewriteServiceServicer_to_server(self, server)

    def PreviewRewrite(self, request: pb.PreviewRewriteRequest, context: grpc.ServicerContext) -> pb.RewriteResult:
        """Tell what a rewrite would make."""
        asked = self._with_invoices(convert.request(request.parent, request.rewrite))
        return self._door.query(request, lambda tx: convert.preview(queries.preview_rewrite(tx, asked)))

    def RewriteAgreement(self, request: pb.RewriteAgreementRequest, context: grpc.ServicerContext) -> pb.RewriteResult:
        """Rewrite an agreement."""
        asked = self._with_invoices(convert.request(request.parent, request.rewrite))
        return self._door.command(request, lambda tx: convert.result(commands.rewrite_agreement(tx, asked)))

    def _with_invoices(self, asked: queries.RewriteAgreement) -> queries.RewriteAgreement:
        """Ask billing what was invoiced, for a reason that counts only before the first billing (SPEC AGR-9)."""
        numbers = self._door.look(lambda tx: queries.asks_for_invoices_of(tx, asked))
        return replace(asked, invoiced=any(map(self._invoices.has_any, numbers)))
