"""Keep callbacks, each once, and count what became of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from boss_billing.callbacks import store
from boss_billing.callbacks.rules import CONTRADICTS, CallbackKind, CallbackState, Fit, Kept
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Tally:
    """What became of a page of callbacks."""

    applied: int
    repeated: int
    unmatched: int


def keep(tx: Transaction, kind: CallbackKind, rows: Sequence[Kept]) -> frozenset[str]:
    """Keep callbacks of a kind, each once; give the ids of those that are new.

    One that says something else than the first under its id is kept and listed beside it, never applied.
    """
    # Of two with one id in a page the first one counts.
    first_of_each = {row.callback_id: row for row in reversed(rows)}
    new = store.keep(tx.connection, tx.enterprise_id, kind, list(first_of_each.values())[::-1], tx.now)
    repeats = [row for row in rows if row.callback_id not in new or row is not first_of_each[row.callback_id]]
    store.keep_contradictions(tx.connection, tx.enterprise_id, kind, repeats, CONTRADICTS, tx.now)
    return new


def tally(callback_ids: Sequence[str], fits: Mapping[str, Fit]) -> Tally:
    """Count what became of callbacks; those that weren't open any more are repeats."""
    counts = Counter(fits[one].state for one in set(callback_ids) if one in fits)
    unmatched = counts[CallbackState.UNMATCHED] + counts[CallbackState.EXCEPTION]
    applied = counts[CallbackState.APPLIED]
    return Tally(applied, len(callback_ids) - applied - unmatched, unmatched)


# A page asks when it keeps its callbacks and when it applies them.
@lru_cache(maxsize=4096)
def subject_of(text: str) -> UUID | None:
    """Read the id a callback names; None for what can't be one of ours."""
    try:
        return UUID(text)
    except ValueError:
        return None
