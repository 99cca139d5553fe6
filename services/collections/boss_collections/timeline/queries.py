"""What collections knows of an account's story, as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from boss_collections.debtors.rules import AccountRef
from boss_kit.context import Actor
from boss_kit.money import Money
from boss_kit.paging import Page
from boss_kit.unit_of_work import Transaction

_STORY = sa.text(
    """
    SELECT * FROM (
        SELECT hand_over_date AS day, create_time, id, 0 AS rank, correlation,
            json_build_object('amount', past_due_balance_minor, 'currency', currency, 'agency', agency) AS told
        FROM hand_over WHERE enterprise_id = :enterprise AND account_id = :account
        UNION ALL
        SELECT set_date, create_time, id, 1, correlation,
            json_build_object('before', previous_stage, 'stage', stage, 'actor', actor)
        FROM stage_change WHERE enterprise_id = :enterprise AND account_id = :account
    ) AS story
    WHERE CAST(:day AS date) IS NULL
        OR (day, create_time, rank, id) > (:day, CAST(:time AS timestamptz), CAST(:rank AS integer), CAST(:id AS uuid))
    ORDER BY day, create_time, rank, id
    LIMIT :limit
    """
)


@dataclass(frozen=True)
class Entry:
    """One line of the story; `rank` keeps a hand-over before the stage that follows from it."""

    business_date: date
    create_time: datetime
    rank: int
    id: UUID
    kind: str
    text: str
    correlation: str


def list_entries(tx: Transaction, account: AccountRef, page: Page) -> tuple[Sequence[Entry], str]:
    """List the account's story, oldest first; give the next page's token, too."""
    day, time, rank, entry_id = page.key(date.fromisoformat, datetime.fromisoformat, int, UUID) or (None,) * 4
    place = {"day": day, "time": time, "rank": rank, "id": entry_id}
    of = {"enterprise": account.enterprise_id, "account": account.account_id}
    rows = tx.connection.execute(_STORY, {**of, **place, "limit": page.limit}).all()
    entries = [_entry(row) for row in rows]
    return page.cut(entries, lambda entry: (entry.business_date, entry.create_time, entry.rank, entry.id))


def hand_over_text(amount: Money, agency: str) -> str:
    """Tell a hand-over."""
    by = f" for {agency}" if agency else ""
    return f"Handed over to collections{by}, owing {amount} past due."


def stage_text(before: str, stage: str, actor: Actor) -> str:
    """Tell a change of stage, and who made it."""
    approved = f", approved by {actor.approver.user}" if actor.approver else ""
    return f"Collections stage changed from {before} to {stage} by {actor.user}{approved}."


def _entry(row: "sa.Row[Any]") -> Entry:
    told = row.told
    if row.rank == 0:
        kind, text = "hand-over", hand_over_text(Money(told["amount"], told["currency"]), told["agency"])
    else:
        kind, text = "stage", stage_text(told["before"], told["stage"], _actor(told["actor"]))
    return Entry(row.day, row.create_time, row.rank, row.id, kind, text, row.correlation)


def _actor(values: dict[str, Any]) -> Actor:
    approver = values.get("approver")
    return Actor(user=values["user"], approver=Actor(user=approver["user"]) if approver else None)
