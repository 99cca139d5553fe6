"""What every entry of the catalogue is (SPEC AGR-1). Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from boss_kit.errors import Aborted, InvalidArgument


@dataclass(frozen=True)
class Head:
    """What an entry has before anybody says what it is.

    Without a business unit it is the enterprise's: every unit sees it, only the enterprise changes it.
    """

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID | None
    version: int
    create_time: datetime


@dataclass(frozen=True, kw_only=True)
class Entry(Head):
    """An entry of the catalogue; one that isn't active is kept and no longer offered."""

    name: str
    description: str = ""
    active: bool = True


@dataclass(frozen=True)
class EntryName:
    """An entry, by the ids of its name."""

    enterprise_id: UUID
    business_unit_id: UUID | None
    id: UUID


def check_etag(version: int, etag: str) -> None:
    """Refuse a change made to an older state. Raises InvalidArgument, Aborted."""
    if not etag:
        raise InvalidArgument.field("etag", "is required: send the etag you read, so that no change gets lost.")
    if etag != str(version):
        raise Aborted(
            "ETAG_MISMATCH",
            "Somebody else changed it meanwhile; read it again and repeat the change.",
            metadata={"etag": etag, "current": str(version)},
        )


def check_order(start: date | None, end: date | None, field: str) -> None:
    """Refuse an end before its start. Raises InvalidArgument."""
    if start is not None and end is not None and end < start:
        raise InvalidArgument.field(field, f"{end} lies before the start, {start}.", "END_BEFORE_START")


def check_choice(value: str, choices: tuple[str, ...], field: str) -> None:
    """Refuse a word that isn't one of the choices. Raises InvalidArgument."""
    if value not in choices:
        raise InvalidArgument.field(field, f"{value[:40]!r} is none of {', '.join(choices)}.")


def check_of_enterprise(entry: Entry) -> None:
    """Refuse an entry of a unit where only an enterprise has some. Raises InvalidArgument."""
    if entry.business_unit_id is not None:
        raise InvalidArgument.field("parent", "must be an enterprise: business units have none of their own.")


def check_of_unit(entry: Entry) -> UUID:
    """Refuse an entry of an enterprise where only units have some; give the unit. Raises InvalidArgument."""
    if entry.business_unit_id is None:
        raise InvalidArgument.field("parent", "must be a business unit: an enterprise has none of its own.")
    return entry.business_unit_id
