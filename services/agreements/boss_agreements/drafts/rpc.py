"""AgreementWriterService."""

from uuid import UUID

import grpc
from boss.agreements.v1 import agreement_writer_service_pb2 as pb
from boss.agreements.v1 import agreement_writer_service_pb2_grpc as pb_grpc

from boss_agreements.agreements.convert import MEMBER, UNIT, unit_name
from boss_agreements.drafts import commands, convert, queries, sales
from boss_agreements.drafts.process import Sales
from boss_kit import names
from boss_kit.paging import open_page
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction


class AgreementWriterServicer(pb_grpc.AgreementWriterServiceServicer):
    """Converts, calls, converts; a sale asks billing between its two transactions."""

    def __init__(self, door: Door, seller: Sales) -> None:
        self._door = door
        self._seller = seller

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_AgreementWriterServiceServicer_to_server(self, server)

    def CreateDraft(self, request: pb.CreateDraftRequest, context: grpc.ServicerContext) -> pb.Draft:
        """Begin a draft."""
        unit, content = names.parse(UNIT, request.parent, "parent"), convert.content(request.draft)
        return self._door.command(
            request, lambda tx: convert.draft(commands.create_draft(tx, unit["e"], unit["b"], content))
        )

    def GetDraft(self, request: pb.GetDraftRequest, context: grpc.ServicerContext) -> pb.Draft:
        """Read a draft."""
        name = convert.draft_name(request.name)
        return self._door.query(request, lambda tx: convert.draft(queries.get_draft(tx, name)))

    def ListDrafts(self, request: pb.ListDraftsRequest, context: grpc.ServicerContext) -> pb.ListDraftsResponse:
        """List open drafts."""
        unit = names.parse(UNIT, request.parent, "parent")
        owner_id = names.parse(MEMBER, request.owner, "owner")["m"] if request.owner else None
        page = open_page(request.page_size, request.page_token, filters=("drafts", request.parent, request.owner))
        (after,) = page.key(UUID) or (None,)

        def answer(tx: Transaction) -> pb.ListDraftsResponse:
            found = queries.list_drafts(tx, unit["e"], unit["b"], owner_id, after, page.limit)
            rows, token = page.cut(found, lambda one: (one.id,))
            return pb.ListDraftsResponse(drafts=map(convert.draft, rows), next_page_token=token)

        return self._door.query(request, answer)

    def UpdateDraft(self, request: pb.UpdateDraftRequest, context: grpc.ServicerContext) -> pb.Draft:
        """Replace what a draft holds."""
        name, content = convert.draft_name(request.draft.name), convert.content(request.draft)
        etag = request.draft.etag
        return self._door.command(request, lambda tx: convert.draft(commands.update_draft(tx, name, content, etag)))

    def DiscardDraft(self, request: pb.DiscardDraftRequest, context: grpc.ServicerContext) -> pb.Draft:
        """Throw a draft away."""
        name = convert.draft_name(request.name)
        return self._door.command(request, lambda tx: convert.draft(commands.discard_draft(tx, name)))

    def QuoteDraft(self, request: pb.QuoteDraftRequest, context: grpc.ServicerContext) -> pb.Quote:
        """Price a draft."""
        name = convert.draft_name(request.name)
        return self._door.query(request, lambda tx: convert.quote(queries.quote_draft(tx, name)))

    def SignDraft(self, request: pb.SignDraftRequest, context: grpc.ServicerContext) -> pb.Draft:
        """Sign a draft."""
        name = convert.draft_name(request.name)
        return self._door.command(request, lambda tx: convert.draft(commands.sign_draft(tx, name, request.signature)))

    def FinalizeDraft(self, request: pb.FinalizeDraftRequest, context: grpc.ServicerContext) -> pb.Draft:
        """Sell a draft."""
        name = convert.draft_name(request.name)
        receipt = self._seller.agree(self._door.context(), name)
        return self._door.command(request, lambda tx: convert.draft(sales.complete_sale(tx, name, receipt)))

    def SignAgreement(
        self, request: pb.SignAgreementRequest, context: grpc.ServicerContext
    ) -> pb.SignAgreementResponse:
        """Sign a sold agreement."""
        name = convert.agreement_name(request.name)

        def answer(tx: Transaction) -> pb.SignAgreementResponse:
            signed = commands.sign_agreement(tx, name, request.signature)
            unit = unit_name(signed.enterprise_id, signed.business_unit_id)
            return pb.SignAgreementResponse(agreement=f"{unit}/agreements/{signed.id}", signature=signed.signature)

        return self._door.command(request, answer)
