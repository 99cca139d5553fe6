"""DocumentService."""

from uuid import UUID

import grpc
from boss.agreements.v1 import document_service_pb2 as pb
from boss.agreements.v1 import document_service_pb2_grpc as pb_grpc

from boss_agreements.agreements.convert import AGREEMENT, UNIT
from boss_agreements.catalogue.convert import entry_of
from boss_agreements.documents import queries
from boss_agreements.documents.process import Press
from boss_agreements.documents.store import StoredDocument
from boss_kit import names
from boss_kit.rpc.convert import time_to_proto
from boss_kit.rpc.door import Door
from boss_kit.unit_of_work import Transaction

PDF = "application/pdf"


class DocumentServicer(pb_grpc.DocumentServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door, press: Press) -> None:
        self._door = door
        self._press = press

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_DocumentServiceServicer_to_server(self, server)

    def GetAgreementDocument(
        self, request: pb.GetAgreementDocumentRequest, context: grpc.ServicerContext
    ) -> pb.AgreementDocument:
        """Read an agreement's document."""
        ids = names.parse(AGREEMENT, request.name)
        version = request.version or None
        return self._door.query(
            request, lambda tx: _document(queries.get_document(tx, ids["e"], ids["b"], ids["a"], version))
        )

    def PreviewTemplate(
        self, request: pb.PreviewTemplateRequest, context: grpc.ServicerContext
    ) -> pb.PreviewTemplateResponse:
        """Show a template."""
        unit = names.parse(UNIT, request.parent, "parent")
        template_id = entry_of(request.template, "templates", "template").id
        agreement_id: UUID | None = None
        if request.agreement:
            agreement_id = names.parse(AGREEMENT, request.agreement, "agreement")["a"]

        def answer(tx: Transaction) -> pb.PreviewTemplateResponse:
            document = queries.preview(tx, unit["e"], unit["b"], template_id, agreement_id)
            return pb.PreviewTemplateResponse(content=self._press.pdf(document, tx.now), content_type=PDF)

        return self._door.query(request, answer)


def _document(stored: StoredDocument) -> pb.AgreementDocument:
    unit = f"enterprises/{stored.enterprise_id}/businessUnits/{stored.business_unit_id}"
    return pb.AgreementDocument(
        agreement=f"{unit}/agreements/{stored.agreement_id}",
        version=stored.version,
        template=f"{unit}/templates/{stored.template_id}",
        template_version=stored.template_version,
        content=stored.content,
        content_type=PDF,
        create_time=time_to_proto(stored.create_time),
    )
