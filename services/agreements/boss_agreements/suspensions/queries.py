"""Read suspensions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.store import Agreement
from boss_agreements.reasons.rules import SuspensionReason
from boss_agreements.reasons.store import SUSPENSION_REASONS
from boss_agreements.suspensions import coverage, store
from boss_agreements.suspensions.store import Suspension
from boss_kit.errors import NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Detailed:
    """A suspension with its reason of the catalogue and the agreements it covers, as they are now."""

    suspension: Suspension
    reason: SuspensionReason | None
    covered: Sequence[Agreement]


def get_suspension(tx: Transaction, enterprise_id: UUID, unit_id: UUID, suspension_id: UUID) -> Detailed:
    """Read a suspension with its details. Raises NotFound."""
    found = store.find(tx.connection, enterprise_id, unit_id, suspension_id)
    if found is None:
        raise not_found(suspension_id)
    return detailed(tx, [found])[0]


def list_suspensions(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID | None,
    agreement_id: UUID | None,
    member_id: UUID | None,
    after: tuple[int, date, UUID] | None,
    limit: int,
) -> Sequence[Suspension]:
    """Read a page of suspensions, active ones first."""
    return store.page(tx.connection, enterprise_id, unit_id, agreement_id, member_id, after, limit)


def detailed(tx: Transaction, suspensions: Sequence[Suspension]) -> Sequence[Detailed]:
    """Add to suspensions, all of one enterprise, their reasons and the agreements they cover."""
    if not suspensions:
        return []
    enterprise_id = suspensions[0].enterprise_id
    parts = coverage.parts_of(tx.connection, enterprise_id, [one.id for one in suspensions])
    found = agreements.find_all(tx.connection, enterprise_id, {part.agreement_id for part in parts})
    by_id = {one.id: one for one in found}
    reasons = _reasons(tx, suspensions)
    return [
        Detailed(
            one,
            reasons.get(one.reason_id) if one.reason_id else None,
            [by_id[part.agreement_id] for part in parts if part.suspension_id == one.id],
        )
        for one in suspensions
    ]


def place_of(one: Suspension) -> tuple[int, date, UUID]:
    """Tell where a suspension stands in the list."""
    return store.rank(one.status), one.start_date, one.id


def _reasons(tx: Transaction, suspensions: Sequence[Suspension]) -> Mapping[UUID, SuspensionReason]:
    """Read the reasons of suspensions, unit by unit: a page is mostly of one."""
    by_unit: dict[tuple[UUID, UUID], set[UUID]] = defaultdict(set)
    for one in suspensions:
        if one.reason_id is not None:
            by_unit[one.enterprise_id, one.business_unit_id].add(one.reason_id)
    found: dict[UUID, SuspensionReason] = {}
    for (enterprise_id, unit_id), ids in by_unit.items():
        found |= SUSPENSION_REASONS.visible(tx.connection, enterprise_id, unit_id, ids)
    return found


def not_found(suspension_id: UUID) -> NotFound:
    """Make the error for a missing suspension."""
    return NotFound(
        "SUSPENSION_NOT_FOUND",
        f"There is no suspension {suspension_id} in this business unit.",
        metadata={"suspension_id": str(suspension_id)},
    )
