"""Reasons of requests, to and from protos."""

from boss.agreements.v1 import request_reason_service_pb2 as pb

from boss_agreements.catalogue.convert import given, header
from boss_agreements.catalogue.rules import Head
from boss_agreements.request_reasons.rules import RequestReason

REQUEST_REASONS = "requestReasons"


def read_request_reason(message: pb.RequestReason, head: Head) -> RequestReason:
    """Read a reason."""
    return RequestReason(**given(head, message), use=message.use)


def write_request_reason(request_reason: RequestReason) -> pb.RequestReason:
    """Write a reason."""
    return pb.RequestReason(**header(request_reason, REQUEST_REASONS), use=request_reason.use)
