"""Read drafts, and quote them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from boss_agreements.drafts import offers, pricing, store
from boss_agreements.drafts.checks import Problem
from boss_agreements.drafts.commands import DraftName, draft_not_found
from boss_agreements.drafts.store import Draft
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Priced:
    """A quote, and what forbids the sale so far."""

    quote: pricing.Quote
    problems: Sequence[Problem]


def get_draft(tx: Transaction, name: DraftName) -> Draft:
    """Read a draft. Raises NotFound."""
    found = store.find(tx.connection, name.enterprise_id, name.business_unit_id, name.id)
    if found is None:
        raise draft_not_found(name.id)
    return found


def list_drafts(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, owner_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Draft]:
    """Read a page of a unit's open drafts, oldest first."""
    return store.page(tx.connection, enterprise_id, unit_id, owner_id, after, limit)


def quote_draft(tx: Transaction, name: DraftName) -> Priced:
    """Price a draft as it would be sold today, and tell all that forbids it. Raises NotFound."""
    draft = get_draft(tx, name)
    terms = offers.terms_of(tx, draft.enterprise_id, draft.business_unit_id, draft.content)
    return Priced(offers.quote_of(draft.id, draft.content, terms), offers.problems_of(draft.content, terms))
