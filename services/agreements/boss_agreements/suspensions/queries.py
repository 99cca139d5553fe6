"""Read suspensions."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from boss_agreements.suspensions import store
from boss_agreements.suspensions.store import Suspension
from boss_kit.unit_of_work import Transaction


def list_suspensions(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID | None,
    agreement_id: UUID | None,
    after: tuple[int, date, UUID] | None,
    limit: int,
) -> Sequence[Suspension]:
    """Read a page of suspensions, active ones first."""
    return store.page(tx.connection, enterprise_id, unit_id, agreement_id, after, limit)


def place_of(one: Suspension) -> tuple[int, date, UUID]:
    """Tell where a suspension stands in the list."""
    return store.rank(one.status), one.start_date, one.id
