"""Read all that a draft is priced and checked by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreements import store as agreements
from boss_agreements.agreements.rules import ADD_ON, LIVE_STATUSES
from boss_agreements.catalogue.queries import not_found
from boss_agreements.definitions import store as definitions
from boss_agreements.definitions.queries import get_definition, make_offer
from boss_agreements.definitions.rules import Offer, check_on_sale
from boss_agreements.drafts import checks, pricing, store
from boss_agreements.drafts.checks import Buyer, Problem
from boss_agreements.drafts.pricing import Quote
from boss_agreements.drafts.rules import Content
from boss_agreements.groups.queries import get_group
from boss_agreements.member_statuses.queries import is_member
from boss_agreements.members import store as members
from boss_agreements.members.rules import Member
from boss_agreements.organization.queries import get_unit
from boss_agreements.organization.rules import BusinessUnit
from boss_agreements.promotions.rules import Promotion
from boss_agreements.promotions.store import PROMOTIONS
from boss_kit.errors import NotFound
from boss_kit.ids import derived_id
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class Terms:
    """A draft's offer, promotions, owner and buyer as they are on a business date."""

    unit: BusinessUnit
    offer: Offer
    promotions: Sequence[Promotion]
    owner: Member
    parties: Sequence[Member]
    buyer: Buyer
    today: date


def terms_of(tx: Transaction, enterprise_id: UUID, unit_id: UUID, content: Content) -> Terms:
    """Read what a draft is sold by. Raises NotFound, FailedPrecondition where its definition isn't applied."""
    unit = get_unit(tx, enterprise_id, unit_id)
    today = tx.today(unit.time_zone)
    people = {one.id: one for one in _people(tx, unit, content)}
    return Terms(
        unit,
        _offer(tx, unit, content, today),
        _promotions(tx, unit, content),
        people[content.owner_id],
        [people[party_id] for party_id in content.party_ids],
        _buyer(tx, unit, content),
        today,
    )


def quote_of(draft_id: UUID, content: Content, terms: Terms) -> Quote:
    """Price a draft as it would be sold now. Raises InvalidArgument for a schedule there isn't."""
    agreement_id = derived_id(draft_id, "agreement")
    return pricing.quote(content, terms.offer, terms.promotions, terms.unit.currency, agreement_id, terms.today)


def problems_of(content: Content, terms: Terms) -> Sequence[Problem]:
    """Find everything that forbids the sale of a draft now."""
    return checks.problems(content, terms.offer, terms.promotions, terms.buyer, terms.today)


def _offer(tx: Transaction, unit: BusinessUnit, content: Content, today: date) -> Offer:
    definition = get_definition(tx, unit.enterprise_id, unit.id, content.definition_id)
    application = definitions.find_application(tx.connection, unit.enterprise_id, unit.id, definition.id)
    if application is None:
        check_on_sale(definition, None, today, online=content.is_online)
    assert application is not None, "what isn't applied was just refused"
    return make_offer(tx, unit, definition, application)


def _promotions(tx: Transaction, unit: BusinessUnit, content: Content) -> Sequence[Promotion]:
    if not content.promotion_ids:
        return ()
    found = PROMOTIONS.visible(tx.connection, unit.enterprise_id, unit.id, content.promotion_ids)
    missing = next((one for one in content.promotion_ids if one not in found), None)
    if missing is not None:
        raise not_found(PROMOTIONS.noun, missing)
    return [found[one] for one in content.promotion_ids]


def _people(tx: Transaction, unit: BusinessUnit, content: Content) -> Sequence[Member]:
    wanted = dict.fromkeys((content.owner_id, *content.party_ids))
    found = members.find_members(tx.connection, unit.enterprise_id, unit.id, wanted)
    missing = wanted.keys() - {one.id for one in found}
    if missing:
        raise NotFound(
            "MEMBER_NOT_FOUND",
            f"There is no member {min(missing)} in this business unit; create the member first.",
            metadata={"member_id": str(min(missing)), "field": "owner"},
        )
    return found


def _buyer(tx: Transaction, unit: BusinessUnit, content: Content) -> Buyer:
    where = tx.connection, unit.enterprise_id
    group_id, status, add_ons = content.group_id, None, 0
    if content.role == ADD_ON and content.primary_agreement_id is not None:
        primary = agreements.find(*where, unit.id, content.primary_agreement_id)
        if primary is not None:
            group_id, status = primary.group_id, primary.status
            add_ons = store.count_add_ons(*where, primary.id, LIVE_STATUSES)
    return Buyer(
        is_member(tx, unit.enterprise_id, content.owner_id),
        store.holder_of_barcode(*where, content.barcode, content.owner_id, LIVE_STATUSES) if content.barcode else "",
        get_group(tx, unit.enterprise_id, unit.id, group_id) if group_id else None,
        status,
        add_ons,
    )
