"""Whose things callbacks name: one unit's file can't speak of another's payments and cards (SPEC BIL-8)."""

from collections.abc import Collection, Mapping
from uuid import UUID

from boss_billing.callbacks import store
from boss_billing.callbacks.keeping import subject_of
from boss_billing.funding import store as funding
from boss_billing.units import store as units
from boss_kit.context import SYSTEM, Context
from boss_kit.unit_of_work import UnitOfWork


class Owners:
    """What billing knows of the units of payments and cards."""

    def __init__(self, units_of_work: UnitOfWork) -> None:
        self._units = units_of_work

    def units(self, enterprise_id: UUID) -> Collection[UUID]:
        """Give an enterprise's business units."""
        with self._units.read(_context(enterprise_id)) as tx:
            return frozenset(units.units_of(tx.connection, enterprise_id))

    def of_attempts(self, enterprise_id: UUID, attempt_ids: Collection[str]) -> Mapping[str, Collection[UUID]]:
        """Give the unit of each attempt there is."""
        named = {text: subject_of(text) for text in attempt_ids}
        ids = [one for one in named.values() if one is not None]
        with self._units.read(_context(enterprise_id)) as tx:
            found = store.units_of_attempts(tx.connection, enterprise_id, ids)
        return {text: (found[one],) for text, one in named.items() if one is not None and one in found}

    def of_tokens(self, enterprise_id: UUID, tokens: Collection[str]) -> Mapping[str, Collection[UUID]]:
        """Give the units whose accounts have a funding source with each token."""
        with self._units.read(_context(enterprise_id)) as tx:
            return funding.units_of_tokens(tx.connection, enterprise_id, tokens)


def _context(enterprise_id: UUID) -> Context:
    return Context(enterprise_id=enterprise_id, actor=SYSTEM)
