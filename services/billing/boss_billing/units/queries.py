"""Read what units have in common."""

from uuid import UUID

from boss_billing.units import store
from boss_billing.units.rules import require_units
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.unit_of_work import Transaction


def check_unit(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None) -> None:
    """Check that billing knows a unit, where one is named: of another a list would be empty without a word.

    Raises NotFound.
    """
    if unit_id is not None and store.find_unit(tx.connection, enterprise_id, unit_id) is None:
        require_units([unit_id], ())


def require_enterprise(tx: Transaction, enterprise_id: UUID) -> None:
    """Refuse an enterprise that billing knows no unit of. Raises NotFound."""
    if not store.has_units(tx.connection, enterprise_id):
        text = f"Billing knows no business unit of enterprises/{enterprise_id}; send it again when there is one."
        raise NotFound("ENTERPRISE_NOT_FOUND", text, metadata={"enterprise_id": str(enterprise_id)})


def currency_of(tx: Transaction, enterprise_id: UUID, unit_id: UUID | None) -> str:
    """Give the one currency of a unit, or of all units of an enterprise.

    Raises InvalidArgument where there is no unit, or units of several currencies.
    """
    units = store.units_of(tx.connection, enterprise_id)
    found = {unit.currency for unit in units.values() if unit_id in (None, unit.id)}
    if len(found) != 1:
        what = "no business unit" if not found else f"units of {', '.join(sorted(found))}"
        raise InvalidArgument.field("parent", f"has {what}; name one business unit billing knows.")
    return found.pop()
