"""Telling the story of an account."""

from collections.abc import Sequence
from datetime import date

from boss_kit.unit_of_work import Transaction
from boss_notifications.intents.rules import Intent
from boss_notifications.timeline.rules import KINDS
from boss_notifications.timeline.store import Entry, tell


def tell_of(tx: Transaction, told: Sequence[tuple[Intent, str]], day: date) -> None:
    """Add one sentence per notification."""
    tell(
        tx.connection,
        [
            Entry(
                enterprise_id=intent.enterprise_id,
                business_unit_id=intent.business_unit_id,
                account_id=intent.account_id,
                business_date=day,
                kind=KINDS[intent.channel],
                text=text,
                subject=intent.name,
                correlation=intent.correlation,
                create_time=tx.now,
            )
            for intent, text in told
        ],
    )
