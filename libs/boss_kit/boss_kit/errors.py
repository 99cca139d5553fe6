"""Errors with a canonical code, a stable reason and a way out.

BossError
├── InvalidArgument      the request itself is wrong: field violations
├── NotFound             the named thing doesn't exist
├── AlreadyExists        the thing to be made is there already
├── FailedPrecondition   the request is fine, the state forbids it
├── Aborted              somebody else was faster: read again, try again
├── PermissionDenied     the caller may not do this
├── Unauthenticated      the caller isn't known
├── ResourceExhausted    a limit is reached
└── Transient            a dependency didn't answer; the same call may pass later
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldViolation:
    """One wrong field: its path, what is wrong and what would be right."""

    field: str
    description: str


class BossError(Exception):
    """An error that a caller can act on.

    `reason` is UPPER_SNAKE and stable (AIP-193), `message` is for people, `metadata` repeats every dynamic part of it.
    """

    code = "UNKNOWN"

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)


class InvalidArgument(BossError):
    """Refuse a request whose own content is wrong."""

    code = "INVALID_ARGUMENT"

    @classmethod
    def field(cls, field: str, description: str, reason: str = "INVALID_FIELD") -> "InvalidArgument":
        """Make the error for one wrong field."""
        violation = FieldViolation(field, description)
        return cls(reason, f"{field}: {description}", metadata={"field": field}, violations=[violation])


class NotFound(BossError):
    """Say that a named thing doesn't exist."""

    code = "NOT_FOUND"


class AlreadyExists(BossError):
    """Say that the thing to be made is there already."""

    code = "ALREADY_EXISTS"


class FailedPrecondition(BossError):
    """Refuse what the present state forbids."""

    code = "FAILED_PRECONDITION"


class Aborted(BossError):
    """Report a lost race."""

    code = "ABORTED"


class PermissionDenied(BossError):
    """Refuse a known caller."""

    code = "PERMISSION_DENIED"


class Unauthenticated(BossError):
    """Refuse an unknown caller."""

    code = "UNAUTHENTICATED"


class ResourceExhausted(BossError):
    """Refuse because a limit is reached."""

    code = "RESOURCE_EXHAUSTED"


class Transient(BossError):
    """Report a dependency that didn't answer."""

    code = "UNAVAILABLE"
