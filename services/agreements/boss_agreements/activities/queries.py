"""Read what members may use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.activities import rules, store
from boss_agreements.activities.rules import Activity
from boss_agreements.activities.store import LineUnits
from boss_agreements.organization.queries import get_unit
from boss_agreements.suspensions import store as suspensions
from boss_agreements.suspensions.rules import PREVENT_ACTIVITY_USE, Window
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class SeenActivity:
    """An activity as it stands on a day: with the suspension that locks it, if one does."""

    activity: Activity
    lock: Window | None
    day: date


def list_activities(
    tx: Transaction,
    enterprise_id: UUID,
    unit_id: UUID,
    member_id: UUID,
    after: tuple[date, UUID] | None,
    limit: int,
    *,
    include_over: bool,
) -> Sequence[SeenActivity]:
    """Read a page of a member's activities, the earliest-expiring first; those that are over only if asked for."""
    today = tx.today(get_unit(tx, enterprise_id, unit_id).time_zone)
    since = None if include_over else today
    found = store.page(tx.connection, enterprise_id, unit_id, member_id, since, after, limit)
    return with_locks(tx, enterprise_id, found, today)


def seen(tx: Transaction, one: Activity) -> SeenActivity:
    """Give an activity as it stands today."""
    today = tx.today(get_unit(tx, one.enterprise_id, one.business_unit_id).time_zone)
    return with_locks(tx, one.enterprise_id, [one], today)[0]


def with_locks(
    tx: Transaction, enterprise_id: UUID, activities: Sequence[Activity], day: date
) -> Sequence[SeenActivity]:
    """Add the suspensions that lock activities on a day: an agreement's, or the member's for a purchase."""
    agreements = {one.agreement_id for one in activities if one.agreement_id}
    members = {one.member_id for one in activities if not one.agreement_id}
    windows = {
        **suspensions.windows_of(tx.connection, enterprise_id, agreements, PREVENT_ACTIVITY_USE),
        **suspensions.windows_of_members(tx.connection, enterprise_id, members, PREVENT_ACTIVITY_USE),
    }
    return [
        SeenActivity(one, rules.lock_of(windows.get(one.agreement_id or one.member_id, ()), day), day)
        for one in activities
    ]


def units_left(
    tx: Transaction, enterprise_id: UUID, line_ids: Iterable[UUID], day: date | None = None
) -> Mapping[UUID, LineUnits]:
    """Sum the units that lines granted, those used and those left, locked or not.

    With a day only what hasn't expired by then, nor was taken back, counts as left. Lines that grant no units are left
    out.
    """
    return store.units_of_lines(tx.connection, enterprise_id, line_ids, day)
