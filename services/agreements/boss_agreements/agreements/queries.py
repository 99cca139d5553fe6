"""Read agreements."""

from collections.abc import Sequence
from uuid import UUID

from boss_agreements.agreements import store
from boss_agreements.agreements.store import Agreement
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


def get_agreement(tx: Transaction, enterprise_id: UUID, unit_id: UUID, agreement_id: UUID) -> Agreement:
    """Read an agreement. Raises NotFound."""
    found = store.find(tx.connection, enterprise_id, unit_id, agreement_id)
    if found is None:
        raise not_found(agreement_id)
    return found


def list_agreements(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, member_id: UUID | None, after: str, limit: int
) -> Sequence[Agreement]:
    """Read a page of agreements by number."""
    return store.page(tx.connection, enterprise_id, unit_id, member_id, after, limit)


def not_found(agreement_id: UUID) -> NotFound:
    """Make the error for a missing agreement."""
    return NotFound(
        "AGREEMENT_NOT_FOUND",
        f"There is no agreement {agreement_id} in this business unit.",
        metadata={"agreement_id": str(agreement_id)},
    )
