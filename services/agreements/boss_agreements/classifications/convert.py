"""Classifications, to and from protos."""

from boss.agreements.v1 import classification_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.classifications.rules import Classification

CLASSIFICATIONS = "classifications"


def read_classification(message: pb.Classification, head: Head) -> Classification:
    """Read a classification."""
    return Classification(**given(head, message))


def write_classification(classification: Classification) -> pb.Classification:
    """Write a classification."""
    return pb.Classification(**header(classification, CLASSIFICATIONS))
