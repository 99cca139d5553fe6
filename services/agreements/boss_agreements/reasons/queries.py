"""Read reasons, and which of them a wizard offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_agreements.catalogue.queries import get_visible
from boss_agreements.catalogue.rules import Entry
from boss_agreements.definitions.store import DEFINITIONS
from boss_agreements.reasons import store
from boss_agreements.reasons.rules import CANCEL, SUSPENSION, CancelReason, SuspensionReason
from boss_kit.errors import FailedPrecondition
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Linked:
    """One of what could be linked, and whether it is."""

    entry: Entry
    kind: str
    linked: bool


def get_cancel_reason(tx: Transaction, enterprise_id: UUID, unit_id: UUID, reason_id: UUID) -> CancelReason:
    """Read a cancel reason that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, store.CANCEL_REASONS, enterprise_id, unit_id, reason_id)


def get_suspension_reason(tx: Transaction, enterprise_id: UUID, unit_id: UUID, reason_id: UUID) -> SuspensionReason:
    """Read a suspension reason that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, store.SUSPENSION_REASONS, enterprise_id, unit_id, reason_id)


def offered_cancel_reasons(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, definition_id: UUID | None, use: str
) -> Sequence[CancelReason]:
    """Read what a wizard offers in one of its uses: active reasons linked with the definition (SPEC AGR-2).

    An agreement without a definition, an imported one, is offered every active reason of its unit.
    """
    found = store.CANCEL_REASONS.all_visible(tx.connection, enterprise_id, unit_id, show_inactive=False)
    linked = _linked(tx, enterprise_id, definition_id, CANCEL)
    return [one for one in found if one.serves(use) and (linked is None or one.id in linked)]


def offered_suspension_reasons(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, definition_id: UUID | None, suspension_type: str = ""
) -> Sequence[SuspensionReason]:
    """Read what the suspension wizard offers: active reasons linked with the definition (SPEC AGR-2, AGR-3).

    An agreement without a definition, an imported one, is offered every active reason of its unit.
    """
    found = store.SUSPENSION_REASONS.all_visible(tx.connection, enterprise_id, unit_id, show_inactive=False)
    linked = _linked(tx, enterprise_id, definition_id, SUSPENSION)
    return [one for one in found if suspension_type in ("", one.type) and (linked is None or one.id in linked)]


def check_offered(reason: Entry, offered: Sequence[Entry]) -> None:
    """Refuse a reason that isn't among those offered. Raises FailedPrecondition."""
    if reason.id in {one.id for one in offered}:
        return
    names = ", ".join(one.name for one in offered) or "none: link one with the agreement's definition"
    raise FailedPrecondition(
        "REASON_NOT_OFFERED",
        f"reason: {reason.name!r} isn't active, isn't linked with the agreement or is for another use; use {names}.",
        metadata={"field": "reason", "reason": reason.name},
    )


def reasons_of_definition(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, definition_id: UUID, *, show_inactive: bool
) -> Sequence[Linked]:
    """Read which reasons are linked with a definition, and which could be. Raises NotFound."""
    get_visible(tx, DEFINITIONS, enterprise_id, unit_id, definition_id)
    found: list[Linked] = []
    for kind, shelf in store.SHELVES.items():
        linked = store.reasons_of(tx.connection, enterprise_id, definition_id, kind)
        seen: Sequence[Entry] = shelf.all_visible(tx.connection, enterprise_id, unit_id, show_inactive=show_inactive)
        found += [Linked(one, kind, one.id in linked) for one in seen]
    return found


def definitions_of_reason(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, kind: str, reason_id: UUID, *, show_inactive: bool
) -> Sequence[Linked]:
    """Read which definitions are linked with a reason, and which could be. Raises NotFound."""
    get_visible(tx, store.SHELVES[kind], enterprise_id, unit_id, reason_id)
    linked = store.definitions_of(tx.connection, enterprise_id, reason_id, kind)
    seen = DEFINITIONS.all_visible(tx.connection, enterprise_id, unit_id, show_inactive=show_inactive)
    return [Linked(one, kind, one.id in linked) for one in seen]


def _linked(tx: Transaction, enterprise_id: UUID, definition_id: UUID | None, kind: str) -> frozenset[UUID] | None:
    return store.reasons_of(tx.connection, enterprise_id, definition_id, kind) if definition_id is not None else None
