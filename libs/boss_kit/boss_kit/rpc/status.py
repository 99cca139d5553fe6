"""Errors on the wire: canonical code, ErrorInfo and BadRequest (AIP-193), there and back."""

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from boss_kit import errors
from boss_kit.errors import BossError, FieldViolation

DETAILS_KEY = "grpc-status-details-bin"
# A client drops an answer whose trailers are above 8 kB, and sees RESOURCE_EXHAUSTED instead of what was wrong.
MESSAGE_BYTES_MAX, TEXT_BYTES_MAX, VIOLATIONS_BYTES_MAX = 800, 300, 2400
_CLASSES: dict[str, type[BossError]] = {
    cls.code: cls
    for cls in (
        errors.InvalidArgument,
        errors.NotFound,
        errors.AlreadyExists,
        errors.FailedPrecondition,
        errors.Aborted,
        errors.PermissionDenied,
        errors.Unauthenticated,
        errors.ResourceExhausted,
        errors.Transient,
    )
}
# What the other side or the line didn't manage in time may pass later.
_TRANSIENT = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")


def to_status(error: BossError, domain: str, correlation: str) -> status_pb2.Status:
    """Write an error as `google.rpc.Status`, cut to what fits into trailers: a caller's own long text may be in it."""
    message = _cut(error.message, MESSAGE_BYTES_MAX)
    status = status_pb2.Status(code=code_pb2.Code.Value(error.code), message=message)
    metadata = {
        key: _cut(value, TEXT_BYTES_MAX) for key, value in {**error.metadata, "correlation": correlation}.items()
    }
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=metadata))
    if error.violations:
        status.details.add().Pack(_bad_request(error.violations))
    return status


def _bad_request(violations: Iterable[FieldViolation]) -> error_details_pb2.BadRequest:
    """Write the first violations, as many as fit."""
    made = error_details_pb2.BadRequest()
    for violation in violations:
        description = _cut(violation.description, TEXT_BYTES_MAX)
        made.field_violations.add(field=_cut(violation.field, TEXT_BYTES_MAX), description=description)
        if made.ByteSize() > VIOLATIONS_BYTES_MAX:
            break
    return made


def _cut(text: str, bytes_max: int) -> str:
    whole = text.encode()
    return text if len(whole) <= bytes_max else whole[:bytes_max].decode(errors="ignore") + "…"


def from_rpc_error(error: grpc.RpcError, target: str) -> BossError:
    """Read the error of an outgoing call back into its class."""
    code = error.code().name if isinstance(error, grpc.Call) else "UNKNOWN"
    message = (error.details() if isinstance(error, grpc.Call) else "") or code
    if code in _TRANSIENT:
        return errors.Transient(
            "DEPENDENCY_UNAVAILABLE", f"{target} doesn't answer: {message}", metadata={"service": target, "code": code}
        )
    info, violations = _details(error)
    made = _CLASSES.get(code, BossError)(
        info.reason or code, message, metadata=dict(info.metadata), violations=violations
    )
    made.code = code
    return made


def _details(error: grpc.RpcError) -> tuple[error_details_pb2.ErrorInfo, list[FieldViolation]]:
    info = error_details_pb2.ErrorInfo()
    violations: list[FieldViolation] = []
    pairs: Any = (error.trailing_metadata() if isinstance(error, grpc.Call) else None) or ()
    for key, value in pairs:
        if key != DETAILS_KEY:
            continue
        try:
            status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode())
        except DecodeError:
            break
        bad_request = error_details_pb2.BadRequest()
        for detail in status.details:
            if detail.Is(info.DESCRIPTOR):
                detail.Unpack(info)
            elif detail.Unpack(bad_request):
                violations = [FieldViolation(found.field, found.description) for found in bad_request.field_violations]
    return info, violations
