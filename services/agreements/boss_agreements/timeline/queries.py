"""Read an account's story."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from boss_agreements.timeline import store
from boss_agreements.timeline.store import StoredEntry
from boss_kit.unit_of_work import Transaction


def list_entries(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID,
    account_id: UUID,
    after: tuple[date, datetime, int] | None,
    limit: int,
) -> Sequence[StoredEntry]:
    """Read a page of an account's lines, oldest first."""
    return store.page(tx.connection, enterprise_id, unit_id, account_id, after, limit)
