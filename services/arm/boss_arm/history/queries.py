"""Reading the history."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from boss_arm.configuration import queries as configuration
from boss_arm.history import store
from boss_arm.history.rules import Activity
from boss_kit.unit_of_work import Transaction


def list_history(
    tx: Transaction, unit_id: UUID, account_id: UUID, *, suspension: bool, after: tuple[Any, ...] | None, limit: int
) -> Sequence[Activity]:
    """List an account's history, newest first (SPEC ARM-7)."""
    configuration.settings(tx, unit_id)
    return store.list_newest_first(
        tx.connection, tx.enterprise_id, unit_id, account_id, suspension=suspension, after=after, limit=limit
    )
