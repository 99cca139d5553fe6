"""Set and clear the rebill schedules of a level (SPEC BIL-6)."""

from dataclasses import dataclass
from uuid import UUID

from boss_billing.funding.rules import TENDERS
from boss_billing.rebills import store
from boss_billing.rebills.rules import EVERY_TENDER, RebillSchedule, check_schedule
from boss_billing.runs.rules import Scope
from boss_billing.units import store as units
from boss_kit.errors import InvalidArgument, NotFound
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class LevelAndTender:
    """Whose schedule: a level's for one tender, or for every tender."""

    level: Scope
    tender: str


def update_schedule(tx: Transaction, of: LevelAndTender, schedule: RebillSchedule) -> None:
    """Set a level's schedule. Raises NotFound without a unit there, InvalidArgument for a daily one (SPEC BIL-6)."""
    _check(tx, of)
    check_schedule(schedule)
    store.save(tx.connection, of.level.enterprise_id, of.level.id, of.tender, schedule)


def delete_schedule(tx: Transaction, of: LevelAndTender) -> None:
    """Let a level use the one of the next level up. Raises NotFound without a unit there."""
    _check(tx, of)
    store.delete(tx.connection, of.level.enterprise_id, of.level.id, of.tender)


def any_unit(tx: Transaction, level: Scope) -> UUID:
    """Find a unit of a level. Raises NotFound."""
    found = level.units(units.units_of(tx.connection, level.enterprise_id))
    if not found:
        text = "Billing knows no business unit there; create it in agreements first."
        raise NotFound("BUSINESS_UNIT_NOT_FOUND", text, metadata={"level": level.name})
    return next(iter(found))


def _check(tx: Transaction, of: LevelAndTender) -> None:
    any_unit(tx, of.level)
    if of.tender not in (EVERY_TENDER, *TENDERS):
        raise InvalidArgument.field("tender", f"must be one of {', '.join(TENDERS)}, or empty for every tender.")
