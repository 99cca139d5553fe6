"""Read what people are to a club."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from boss_agreements.inherited_settings.queries import settings_of_units
from boss_agreements.inherited_settings.rules import RECENT_MEMBER_MONTHS
from boss_agreements.member_statuses import rules, store
from boss_agreements.member_statuses.rules import PersonStatus
from boss_agreements.members.rules import Member
from boss_agreements.organization.store import units_of
from boss_kit.unit_of_work import Transaction


def statuses_of(tx: Transaction, members: Sequence[Member]) -> Mapping[UUID, PersonStatus]:
    """Derive the statuses of members of one enterprise, each on its unit's business date (SPEC AGR-5)."""
    if not members:
        return {}
    enterprise_id = members[0].enterprise_id
    used = {one.business_unit_id for one in members}
    units = [unit for unit in units_of(tx.connection, enterprise_id) if unit.id in used]
    months = {key: int(one[RECENT_MEMBER_MONTHS]) for key, one in settings_of_units(tx, units).items()}
    today = {unit.id: tx.today(unit.time_zone) for unit in units}
    signed = store.signed_by(tx.connection, enterprise_id, [one.id for one in members])
    bought = store.buyers(tx.connection, enterprise_id, {one.account_id for one in members})
    return {
        one.id: rules.status_of(
            signed.get(one.id, ()),
            today[one.business_unit_id],
            months[one.business_unit_id],
            bought.get(one.account_id),
        )
        for one in members
    }


def is_member(tx: Transaction, enterprise_id: UUID, member_id: UUID) -> bool:
    """Tell whether somebody is a qualified member now."""
    signed = store.signed_by(tx.connection, enterprise_id, [member_id]).get(member_id, ())
    return any(one.makes_member for one in signed)
