"""What the database says, as an error the caller can act on."""

import psycopg
import sqlalchemy as sa

from boss_kit.errors import Aborted, AlreadyExists, BossError, FailedPrecondition, InvalidArgument, Transient
from boss_kit.tasks import is_transient

_RACES = psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure | psycopg.errors.LockNotAvailable


def translate(error: Exception) -> BossError | None:
    """Give the error to answer with, or None where the fault is ours."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(original, _RACES):
        return Aborted("CONFLICT", "Somebody else changed the same thing at the same time; try again.")
    if is_transient(error):
        return Transient("DATABASE_UNAVAILABLE", "The database doesn't answer at present; try again later.")
    if isinstance(original, psycopg.DataError):
        return InvalidArgument("INVALID_VALUE", "A value is out of range or of the wrong form.")
    if isinstance(original, psycopg.IntegrityError):
        return _broken_rule(original)
    return None


def _broken_rule(error: psycopg.IntegrityError) -> BossError:
    constraint = error.diag.constraint_name or ""
    metadata = {"constraint": constraint}
    if isinstance(error, psycopg.errors.UniqueViolation):
        return AlreadyExists("ALREADY_EXISTS", f"It exists already ({constraint}).", metadata=metadata)
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        return FailedPrecondition(
            "MISSING_REFERENCE", f"It refers to what isn't there ({constraint}).", metadata=metadata
        )
    return InvalidArgument("INVALID_VALUE", f"A value breaks a rule of the store ({constraint}).", metadata=metadata)
