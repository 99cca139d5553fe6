"""Renew funding sources by what the card updater says of them beside a declined payment (SPEC BIL-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from boss_billing.accounts import store as accounts
from boss_billing.funding import store
from boss_billing.funding.rules import (
    CURES,
    CardUpdate,
    FundingSource,
    FundingSourceChanged,
    UpdateOutcome,
    told_of,
    update,
)
from boss_billing.invoices import store as invoices
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True, slots=True)
class News:
    """What the card updater says of one source."""

    source_id: UUID
    outcome: UpdateOutcome
    change: CardUpdate


def take_news(tx: Transaction, news: Sequence[News]) -> None:
    """Renew sources; a renewed one is tried from tomorrow on for what has no planned attempt any more.

    One that was made invalid stays so: its holder, or staff, said stop, and new digits don't take that back.
    """
    if not news:
        return
    found = store.find(tx.connection, tx.enterprise_id, [one.source_id for one in news])
    locked = accounts.lock(tx.connection, tx.enterprise_id, {one.account.id for one in found.values()})
    # Read again under the locks: staff may have changed one meanwhile.
    sources = store.find(tx.connection, tx.enterprise_id, list(found))
    facts: list[FundingSourceChanged] = []
    for one in news:
        before = sources[one.source_id]
        cures = one.outcome in CURES
        after = update(before, one.change) if cures else told_of(before)
        sources[before.id] = after
        day = tx.today(locked[before.account.id].time_zone)
        facts.append(FundingSourceChanged(after, before.last4, "card_updater", day, before, one.outcome.value))
        if cures and after.is_recurring and after.is_active and after.is_valid:
            invoices.plan_again(tx.connection, after.account, day + timedelta(days=1))
    tell(tx, facts)


def tell(tx: Transaction, facts: Sequence[FundingSourceChanged]) -> None:
    """Write sources the card updater spoke of, keep the history of renewed ones, and tell; the last state wins."""
    if not facts:
        return
    last: dict[UUID, FundingSource] = {one.source.id: one.source for one in facts}
    store.save(tx.connection, tx.enterprise_id, list(last.values()))
    renewed = [one for one in facts if one.outcome in CURES]
    store.add_changes(tx.connection, renewed, tx.context.correlation, tx.now)
    tx.publish(*facts)
