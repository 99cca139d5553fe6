"""Set in which days money is awaited (SPEC BIL-3: AMEX and ACH may come apart and later)."""

from uuid import UUID

from boss_billing.reconciliation import store
from boss_billing.reconciliation.matching import Window
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


def update_window(tx: Transaction, enterprise_id: UUID, tender: str, window: Window) -> Window:
    """Set the days of a tender. Raises InvalidArgument where the last day lies before the first."""
    if window.days_max < window.days_min:
        raise InvalidArgument.field("settlement_window.days_max", "must not be below days_min.")
    store.save_window(tx.connection, enterprise_id, tender, window)
    return window
