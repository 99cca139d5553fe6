"""Read the rates that a unit charges."""

from collections.abc import Collection, Mapping
from uuid import UUID

from boss_agreements.agreements.rules import Tax
from boss_agreements.taxes import store
from boss_kit.unit_of_work import Transaction


def rates_in(tx: Transaction, enterprise_id: UUID, unit_id: UUID, names: Collection[str]) -> Mapping[str, Tax]:
    """Read a unit's rates of some taxes; a name without an active rate is missing."""
    found = store.rates(tx.connection, enterprise_id, unit_id, names) if names else {}
    return {name: Tax(name, one.percent) for name, one in found.items()}
