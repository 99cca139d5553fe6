"""Providers' reports, from and to protos."""

from typing import Any

from boss.notifications.v1 import provider_callback_service_pb2 as pb

from boss_kit.errors import FieldViolation
from boss_kit.rpc.content import refuse
from boss_kit.rpc.convert import time_from_proto, time_to_proto
from boss_notifications.responses.commands import ProviderResponse, Taken

LENGTHS_MAX = {"provider_message_id": 300, "response": 200, "response_detail": 1000}


def responses_of(request: pb.ReportResponsesRequest) -> list[ProviderResponse]:
    """Read a report. Raises InvalidArgument, naming the field that is too long."""
    _check_lengths(request)
    return [
        ProviderResponse(
            response_id=one.response_id,
            provider_message_id=one.provider_message_id,
            response=one.response,
            response_detail=one.response_detail,
            response_time=time_from_proto(one.response_time, f"responses[{index}].response_time")
            if one.HasField("response_time")
            else None,
        )
        for index, one in enumerate(request.responses)
    ]


def _check_lengths(request: pb.ReportResponsesRequest) -> None:
    violations = [
        FieldViolation(f"responses[{index}].{name}", f"has more than {length_max} characters.")
        for index, one in enumerate(request.responses)
        for name, length_max in LENGTHS_MAX.items()
        if len(getattr(one, name)) > length_max
    ]
    refuse(violations)


def taken_of(taken: Taken) -> pb.ReportResponsesResponse:
    """Write what became of a report."""
    return pb.ReportResponsesResponse(
        applied=taken.applied, repeated_responses=taken.repeated, unmatched=taken.unmatched
    )


def unmatched_of(row: Any) -> pb.UnmatchedResponse:
    """Write a response that matches nothing."""
    return pb.UnmatchedResponse(
        response_id=row.response_id,
        provider_message_id=row.provider_message_id,
        response=row.response,
        response_detail=row.response_detail,
        reason=row.unmatched_reason,
        create_time=time_to_proto(row.create_time),
    )
