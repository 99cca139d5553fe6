"""Read agreement groups."""

from uuid import UUID

from boss_agreements.catalogue.queries import get_visible
from boss_agreements.groups.rules import AgreementGroup
from boss_agreements.groups.store import GROUPS
from boss_kit.unit_of_work import Transaction


def get_group(tx: Transaction, enterprise_id: UUID, unit_id: UUID, group_id: UUID) -> AgreementGroup:
    """Read a group that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, GROUPS, enterprise_id, unit_id, group_id)
