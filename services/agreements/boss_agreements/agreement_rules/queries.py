"""Read agreement rules."""

from uuid import UUID

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.agreement_rules.store import AGREEMENT_RULES
from boss_agreements.definitions.store import DEFINITIONS
from boss_kit.unit_of_work import Transaction


def rules_of(tx: Transaction, enterprise_id: UUID, unit_id: UUID, definition_id: UUID | None) -> AgreementRules | None:
    """Read the rules linked with a definition; none for an imported agreement or where none are linked."""
    if definition_id is None:
        return None
    definition = DEFINITIONS.visible(tx.connection, enterprise_id, unit_id, [definition_id]).get(definition_id)
    rules_id = definition.agreement_rules_id if definition else None
    if rules_id is None:
        return None
    return AGREEMENT_RULES.visible(tx.connection, enterprise_id, unit_id, [rules_id]).get(rules_id)
