"""Read members."""

from collections.abc import Sequence
from uuid import UUID

from boss_agreements.imports.contacts import parse_phone
from boss_agreements.members import searches, store
from boss_agreements.members.rules import Member
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.unit_of_work import Transaction


def get_member(tx: Transaction, enterprise_id: UUID, unit_id: UUID, member_id: UUID) -> Member:
    """Read a member. Raises NotFound."""
    found = store.find_member(tx.connection, enterprise_id, unit_id, member_id)
    if found is None:
        raise member_not_found(member_id)
    return found


def list_members(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, external_id: str, after: str, limit: int
) -> Sequence[Member]:
    """Read a page of members by external id."""
    return store.members_page(tx.connection, enterprise_id, unit_id, external_id, after, limit)


def search_members(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, wanted: tuple[str, str, str], after: str, limit: int
) -> Sequence[Member]:
    """Read a page of the members of a name, an email and a phone, those that are given. Raises InvalidArgument."""
    name, email, phone = (text.strip() for text in wanted)
    if not (name or email or phone):
        raise InvalidArgument.field("display_name", "or email or phone is required; to see all, list members.")
    known = (name, email, parse_phone(phone) if phone else "")
    return searches.search(tx.connection, enterprise_id, unit_id, known, after, limit)


def member_not_found(member_id: UUID) -> NotFound:
    """Make the error for a missing member."""
    return NotFound(
        "MEMBER_NOT_FOUND",
        f"There is no member {member_id} in this business unit.",
        metadata={"member_id": str(member_id)},
    )
