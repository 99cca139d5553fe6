"""Read check-ins and redemptions, allowed and denied."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from boss_agreements.check_ins import rules, store
from boss_agreements.check_ins.store import CheckIn
from boss_agreements.organization.queries import get_unit
from boss_kit.unit_of_work import Transaction


def list_check_ins(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID,
    member_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
    *,
    denied_only: bool,
) -> Sequence[CheckIn]:
    """Read a page of check-ins and redemptions, newest first."""
    outcome = rules.DENIED if denied_only else ""
    return store.page(tx.connection, enterprise_id, unit_id, member_id, outcome, before, limit)


def list_actions(tx: Transaction, enterprise_id: UUID, unit_id: UUID) -> Mapping[str, str]:
    """Read what a unit does with people who check in, by status. Raises NotFound without the unit."""
    get_unit(tx, enterprise_id, unit_id)
    return store.actions_of(tx.connection, enterprise_id, unit_id)
