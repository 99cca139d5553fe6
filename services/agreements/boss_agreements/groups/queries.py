"""Read agreement groups."""

from collections.abc import Iterable
from uuid import UUID

from boss_agreements.agreements.store import Agreement
from boss_agreements.catalogue.queries import get_visible
from boss_agreements.groups.rules import FOLLOW, AgreementGroup
from boss_agreements.groups.store import GROUPS
from boss_kit.unit_of_work import Transaction


def get_group(tx: Transaction, enterprise_id: UUID, unit_id: UUID, group_id: UUID) -> AgreementGroup:
    """Read a group that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, GROUPS, enterprise_id, unit_id, group_id)


def followed(tx: Transaction, primaries: Iterable[Agreement], policy: str) -> frozenset[UUID]:
    """Give the agreements whose group says that add-ons follow; `policy` is what becomes of them (SPEC AGR-6)."""
    found: dict[tuple[UUID, UUID], bool] = {}
    ids: set[UUID] = set()
    for one in primaries:
        if one.group_id is None:
            continue
        key = one.business_unit_id, one.group_id
        if key not in found:
            found[key] = getattr(get_group(tx, one.enterprise_id, *key), policy) == FOLLOW
        if found[key]:
            ids.add(one.id)
    return frozenset(ids)
