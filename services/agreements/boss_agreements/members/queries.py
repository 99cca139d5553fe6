"""Read members."""

from collections.abc import Sequence
from uuid import UUID

from boss_agreements.members import store
from boss_agreements.members.rules import Member
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


def get_member(tx: Transaction, enterprise_id: UUID, unit_id: UUID, member_id: UUID) -> Member:
    """Read a member. Raises NotFound."""
    found = store.find_member(tx.connection, enterprise_id, unit_id, member_id)
    if found is None:
        raise NotFound(
            "MEMBER_NOT_FOUND",
            f"There is no member {member_id} in this business unit.",
            metadata={"member_id": str(member_id)},
        )
    return found


def list_members(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, external_id: str, after: str, limit: int
) -> Sequence[Member]:
    """Read a page of members by external id."""
    return store.members_page(tx.connection, enterprise_id, unit_id, external_id, after, limit)
