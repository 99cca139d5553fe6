"""Keeping the copies: what agreements says about units and members."""

from collections.abc import Sequence

from boss_arm.debtors import store
from boss_arm.debtors.rules import BusinessUnit, Member
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Transaction


def follow_units(tx: Transaction, received: Sequence[Received[BusinessUnit]]) -> None:
    """Keep units as they are now."""
    store.keep_units(tx.connection, [one.fact for one in received])


def follow_members(tx: Transaction, received: Sequence[Received[Member]]) -> None:
    """Keep members and their contacts as they are now."""
    store.keep_members(tx.connection, [one.fact for one in received])
