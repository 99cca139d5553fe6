"""Take over what ARM gives up: remember it, and let it wait for an agency (SPEC ARM-11, COL-4)."""

from collections.abc import Sequence

from boss_collections.debtors.store import add_accounts
from boss_collections.hand_overs import store
from boss_collections.hand_overs.rules import HandOver
from boss_collections.stages.commands import Move, move_stages
from boss_collections.stages.rules import after_hand_over
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction


def take_over(tx: Transaction, page: Sequence[Received[HandOver]]) -> None:
    """Remember hand-overs and set their accounts from Not Set to Pending."""
    # Billing may not have told us of these accounts yet.
    add_accounts(tx.connection, [received.fact.account for received in page])
    store.add(tx.connection, page, tx.now)
    moves = [Move(received.fact.account, received.event.business_date, received) for received in page]
    move_stages(tx, moves, after_hand_over)
