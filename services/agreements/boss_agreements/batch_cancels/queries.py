"""Read batch cancels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_agreements.batch_cancels import store
from boss_agreements.batch_cancels.store import BatchCancel, Row
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Progress:
    """A batch with its rows counted by outcome, and what they owe."""

    batch: BatchCancel
    counts: Mapping[str, tuple[int, int]]


def get_batch(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, batch_id: UUID) -> Progress:
    """Read a batch and how far it is. Raises NotFound."""
    found = store.find(tx.connection, enterprise_id, unit_id, batch_id)
    if found is None:
        raise not_found(batch_id)
    return Progress(found, store.counts(tx.connection, enterprise_id, batch_id))


def list_rows(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, batch_id: UUID, outcome: str, after: int, limit: int
) -> Sequence[Row]:
    """Read a page of a batch's rows. Raises NotFound."""
    get_batch(tx, enterprise_id, unit_id, batch_id)
    return store.rows_page(tx.connection, enterprise_id, batch_id, outcome, after, limit)


def not_found(batch_id: UUID) -> NotFound:
    """Make the error for a missing batch."""
    return NotFound(
        "BATCH_CANCEL_NOT_FOUND",
        f"There is no batch cancel {batch_id} in this business unit.",
        metadata={"batch_cancel_id": str(batch_id)},
    )
