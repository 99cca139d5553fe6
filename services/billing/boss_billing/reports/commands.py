"""Keep the rollups of the reports up to date."""

from boss_billing.reports import store
from boss_kit.unit_of_work import Transaction

MARKS_PER_PAGE = 1000


def roll_up(tx: Transaction) -> int:
    """Roll up a page of what has changed; give how many changes that were, 0 when nothing is left to do.

    The marks are read first: what they stand for is committed, so the rollup of this transaction contains it.
    """
    if not store.begin_roll_up(tx.connection):
        return 0
    done = 0
    for marked, mark_ids in store.oldest_marks(tx.connection, MARKS_PER_PAGE):
        store.roll_up(tx.connection, marked, mark_ids)
        done += len(mark_ids)
    return done
