"""What collections learns from the other services: a page of facts, one statement or two."""

from collections.abc import Sequence

from boss_collections.debtors import store
from boss_collections.debtors.rules import (
    AccountBalance,
    AgreementState,
    ArmEntry,
    BusinessUnit,
    DatedBalance,
    Holder,
)
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction


def learn_units(tx: Transaction, page: Sequence[Received[BusinessUnit]]) -> None:
    """Keep a copy of business units."""
    store.save_units(tx.connection, [received.fact for received in page])


def learn_holders(tx: Transaction, page: Sequence[Received[Holder | None]]) -> None:
    """Keep the names of those who are responsible for an account; a member without one is nobody's debtor."""
    holders = [received.fact for received in page if received.fact is not None]
    if holders:
        store.save_holders(tx.connection, holders)


def learn_agreements(tx: Transaction, page: Sequence[Received[AgreementState]]) -> None:
    """Keep the states of agreements."""
    store.save_agreements(tx.connection, [received.fact for received in page])


def record_balances(tx: Transaction, page: Sequence[Received[AccountBalance]]) -> None:
    """Keep what accounts owe, by business date, so that a past day can be asked for (SPEC COL-1)."""
    dated = [DatedBalance(received.event.business_date, received.event.version, received.fact) for received in page]
    store.save_balances(tx.connection, dated)


def enter_arm(tx: Transaction, page: Sequence[Received[ArmEntry]]) -> None:
    """Note who is in accounts receivable management now."""
    store.open_cycles(tx.connection, [received.fact for received in page])


def leave_arm(tx: Transaction, page: Sequence[Received[ArmEntry]]) -> None:
    """Note who has left it."""
    store.close_cycles(tx.connection, [received.fact for received in page])
