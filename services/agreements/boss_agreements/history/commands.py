"""Record what changed on agreements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreements.rules import LIVE_STATUSES
from boss_agreements.history import rules, store
from boss_agreements.history.rules import FundingState
from boss_agreements.history.store import ChangeRow
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Change:
    """A change as its command tells it; who made it comes with the transaction."""

    enterprise_id: UUID
    business_unit_id: UUID
    agreement_id: UUID
    business_date: date
    type: str
    summary: str
    notable: tuple[str, ...] = ()


@dataclass(frozen=True)
class FundingSourceChanged:
    """Billing's fact: a funding source isn't what it was; without a state before, it is new or told again.

    The outcome is what the card updater said of it, which is news also where nothing has changed (SPEC BIL-4).
    """

    account_id: UUID
    before: FundingState | None
    after: FundingState | None
    card_updater_outcome: str = ""


def record(tx: Transaction, *changes: Change) -> None:
    """Append changes to the history (SPEC AGR-10)."""
    store.add(tx.connection, [_row(tx, change) for change in changes])


def take_funding_changes(tx: Transaction, page: Sequence[Received[FundingSourceChanged]]) -> None:
    """Record each change of a funding source on the live agreements it pays for, once."""
    by_enterprise: dict[UUID, list[Received[FundingSourceChanged]]] = {}
    for received in page:
        fact = received.fact
        if fact.before is not None and (fact.before != fact.after or fact.card_updater_outcome):
            by_enterprise.setdefault(received.event.enterprise_id, []).append(received)
    for enterprise_id, changed in by_enterprise.items():
        accounts = {received.fact.account_id for received in changed}
        billed = store.billed_to(tx.connection, enterprise_id, accounts, LIVE_STATUSES)
        rows = [
            row for received in changed for row in _funding_rows(tx, received, billed.get(received.fact.account_id, ()))
        ]
        store.add(tx.connection, rows)


def _funding_rows(
    tx: Transaction, received: Received[FundingSourceChanged], agreements: Sequence[store.Billed]
) -> list[ChangeRow]:
    own, before, after = tx.for_context(received.context), received.fact.before, received.fact.after
    assert before is not None
    assert after is not None
    cause = f"{received.event.subject}@{received.event.version}"
    actor, notes = received.context.actor, rules.funding_notes(before, after)
    if received.fact.card_updater_outcome:
        notes = (*notes, rules.card_updater_note(received.fact.card_updater_outcome))
    return [
        _row(
            own,
            Change(
                received.event.enterprise_id,
                one.business_unit_id,
                one.id,
                received.event.business_date,
                rules.FUNDING_SOURCE,
                rules.funding_source(one.number, one.name, before.in_words(), after.in_words(), actor),
                notes,
            ),
            cause,
        )
        for one in agreements
    ]


def _row(tx: Transaction, change: Change, cause: str | None = None) -> ChangeRow:
    return ChangeRow(
        change.enterprise_id,
        change.agreement_id,
        change.business_unit_id,
        change.business_date,
        change.type,
        change.summary,
        change.notable,
        tx.context.actor,
        cause,
        tx.context.correlation,
        tx.now,
    )
