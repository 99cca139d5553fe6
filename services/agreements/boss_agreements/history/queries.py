"""Read the change history."""

from collections.abc import Sequence
from uuid import UUID

from boss_agreements.history import store
from boss_agreements.history.rules import TYPES
from boss_agreements.history.store import ChangeRow
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


def list_changes(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID,
    agreement_id: UUID,
    change_type: str,
    before: int | None,
    limit: int,
) -> Sequence[ChangeRow]:
    """Read a page of an agreement's changes, newest first. Raises InvalidArgument for a type there isn't."""
    if change_type and change_type not in TYPES:
        raise InvalidArgument.field(
            "change_type", f"{change_type[:40]!r} is not a type of change; use {', '.join(TYPES)}."
        )
    return store.page(tx.connection, enterprise_id, unit_id, agreement_id, change_type, before, limit)
