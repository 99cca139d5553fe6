"""Set up to which amount one person may move money (SPEC BIL-11)."""

from uuid import UUID

from boss_billing.movements import store
from boss_billing.units import commands as units
from boss_billing.units import store as unit_store
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.money import Money
from boss_kit.unit_of_work import Transaction


def set_limit(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, limit: Money | None) -> None:
    """Set a unit's limit, or the enterprise's; none takes the next level's.

    Raises NotFound without the unit, InvalidArgument for another currency or an amount below zero.
    """
    currency = _currency(tx, enterprise_id, unit_id)
    if limit is not None and limit.currency != currency:
        raise InvalidArgument.field("approval_limit.limit.currency_code", f"must be {currency}.")
    if limit is not None and limit.amount_minor < 0:
        raise InvalidArgument.field("approval_limit.limit", "must not be below zero.")
    store.save_limit(tx.connection, enterprise_id, unit_id, limit.amount_minor if limit is not None else None)


def _currency(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None) -> str:
    if unit_id is not None:
        return units.require_unit(tx, enterprise_id, unit_id).currency
    known = unit_store.units_of(tx.connection, enterprise_id)
    if not known:
        text = "Billing knows no business unit of this enterprise; create one in agreements first."
        raise NotFound("ENTERPRISE_NOT_FOUND", text)
    return next(iter(known.values())).currency
