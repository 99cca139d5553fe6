"""ClassificationService."""

import grpc
from boss.agreements.v1 import classification_service_pb2 as pb
from boss.agreements.v1 import classification_service_pb2_grpc as pb_grpc

from boss_agreements.catalogue.rpc import Counter
from boss_agreements.classifications.commands import check_classification
from boss_agreements.classifications.convert import CLASSIFICATIONS, read_classification, write_classification
from boss_agreements.classifications.store import CLASSIFICATIONS as SHELF
from boss_kit.rpc.door import Door


class ClassificationServicer(pb_grpc.ClassificationServiceServicer):
    """Converts, calls, converts."""

    def __init__(self, door: Door) -> None:
        self._entries = Counter(door, SHELF, CLASSIFICATIONS, write_classification, check_classification)

    def add_to(self, server: grpc.Server) -> None:
        """Serve it."""
        pb_grpc.add_ClassificationServiceServicer_to_server(self, server)

    def CreateClassification(
        self, request: pb.CreateClassificationRequest, context: grpc.ServicerContext
    ) -> pb.Classification:
        """Make a classification."""
        return self._entries.create(request, lambda head: read_classification(request.classification, head))

    def GetClassification(
        self, request: pb.GetClassificationRequest, context: grpc.ServicerContext
    ) -> pb.Classification:
        """Read a classification."""
        return self._entries.get(request)

    def ListClassifications(
        self, request: pb.ListClassificationsRequest, context: grpc.ServicerContext
    ) -> pb.ListClassificationsResponse:
        """List classifications by display name."""
        return self._entries.list(
            request, lambda rows, token: pb.ListClassificationsResponse(classifications=rows, next_page_token=token)
        )

    def UpdateClassification(
        self, request: pb.UpdateClassificationRequest, context: grpc.ServicerContext
    ) -> pb.Classification:
        """Replace a classification."""
        return self._entries.update(
            request,
            request.classification,
            "classification",
            lambda head: read_classification(request.classification, head),
        )
