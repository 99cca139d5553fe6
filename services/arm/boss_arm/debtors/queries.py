"""What every room asks about units, members and the page of events at hand."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from boss_arm.debtors import store
from boss_arm.debtors.rules import BusinessUnit, Member
from boss_kit.errors import NotFound
from boss_kit.events.received import Received
from boss_kit.unit_of_work import Cause, Transaction

R = TypeVar("R", bound=Received[Any])


def unit(tx: Transaction, unit_id: UUID) -> BusinessUnit:
    """Give a unit. Raises NotFound if it isn't known."""
    found = store.find_unit(tx.connection, tx.enterprise_id, unit_id)
    if found is None:
        raise NotFound(
            "BUSINESS_UNIT_NOT_FOUND", f"There is no business unit {unit_id}.", metadata={"business_unit": str(unit_id)}
        )
    return found


def today(tx: Transaction, unit_id: UUID) -> date:
    """Tell a unit's business date (SPEC 0)."""
    return tx.today(unit(tx, unit_id).time_zone)


def member_key(member: Member | None) -> tuple[UUID, UUID] | None:
    """Give a member's unit and id, which its resource name is made of."""
    return (member.business_unit_id, member.id) if member is not None else None


def by_enterprise(received: Sequence[R]) -> dict[UUID, list[R]]:
    """Sort a page of events by enterprise: one page's SQL is about one."""
    pages: dict[UUID, list[R]] = {}
    for one in received:
        pages.setdefault(one.fact.enterprise_id, []).append(one)
    return pages


def correlation_of(tx: Transaction, cause: Cause | None) -> str:
    """Tell the story something belongs to: of the event it follows from, else of the call or job."""
    return (cause.context if cause is not None else tx.context).correlation
