"""Read what can be sold, with everything a sale copies."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.agreement_rules.store import AGREEMENT_RULES
from boss_agreements.agreements.rules import AGREEMENT_TYPES, ONCE, PERPETUAL, Tax
from boss_agreements.bundles.queries import get_bundles
from boss_agreements.bundles.rules import Bundle, term_months
from boss_agreements.catalogue.queries import get_visible, list_page
from boss_agreements.catalogue.rules import EntryName, check_choice
from boss_agreements.classifications.rules import Classification
from boss_agreements.classifications.store import CLASSIFICATIONS
from boss_agreements.definitions import rules, store
from boss_agreements.definitions.rules import Application, Definition, Offer, OfferedItem, OfferedPart, Part
from boss_agreements.items.queries import get_items
from boss_agreements.items.rules import Item
from boss_agreements.organization.queries import get_unit
from boss_agreements.organization.rules import BusinessUnit
from boss_agreements.taxes.queries import rates_in
from boss_kit.errors import BossError, FailedPrecondition
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class _Catalogue:
    """All that some definitions are made of, read at once."""

    unit: BusinessUnit
    items: Mapping[UUID, Item]
    bundles: Mapping[UUID, Bundle]
    taxes: Mapping[str, Tax]
    classifications: Mapping[UUID, Classification]
    rules: Mapping[UUID, AgreementRules]


def get_definition(tx: Transaction, enterprise_id: UUID, unit_id: UUID, definition_id: UUID) -> Definition:
    """Read a definition that a unit sees, inactive ones too. Raises NotFound."""
    return get_visible(tx, store.DEFINITIONS, enterprise_id, unit_id, definition_id)


def search_definitions(
    tx: Transaction,
    parent: EntryName,
    criteria: store.Criteria,
    after: tuple[str, UUID] | None,
    limit: int,
    *,
    show_inactive: bool,
) -> Sequence[Definition]:
    """Read a page of the definitions a parent sees that meet some criteria, by name. Raises InvalidArgument."""
    if criteria.agreement_type:
        check_choice(criteria.agreement_type, AGREEMENT_TYPES, "agreement_type")
    only = store.meeting(criteria)
    return list_page(tx, store.DEFINITIONS, parent, after, limit, show_inactive=show_inactive, only=only)


def sellable(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, today: date, *, online: bool = False
) -> Sequence[Offer]:
    """Read everything a unit can sell on a day, by name: applied, active, in date, complete (SPEC AGR-1)."""
    unit = get_unit(tx, enterprise_id, unit_id)
    applications = {one.definition_id: one for one in store.applications_in(tx.connection, enterprise_id, unit_id)}
    definitions = store.DEFINITIONS.visible(tx.connection, enterprise_id, unit_id, applications.keys()).values()
    catalogue = _catalogue(tx, unit, definitions)
    found = []
    for one in sorted(definitions, key=lambda definition: (definition.name, definition.id)):
        try:
            rules.check_on_sale(one, applications[one.id], today, online=online)
            found.append(_offer(catalogue, one, applications[one.id]))
        except BossError:
            continue
    return found


def offer_for_sale(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID, definition_id: UUID, today: date, *, online: bool = False
) -> Offer:
    """Read what a unit sells of a definition on a day; refuse what it can't sell, saying why (SPEC AGR-1).

    Raises NotFound, FailedPrecondition with the rule that forbids it.
    """
    unit = get_unit(tx, enterprise_id, unit_id)
    definition = get_definition(tx, enterprise_id, unit_id, definition_id)
    application = store.find_application(tx.connection, enterprise_id, unit_id, definition_id)
    rules.check_on_sale(definition, application, today, online=online)
    assert application is not None
    return make_offer(tx, unit, definition, application)


def make_offer(tx: Transaction, unit: BusinessUnit, definition: Definition, application: Application) -> Offer:
    """Put together what a sale copies. Raises FailedPrecondition for what can't be sold in the unit."""
    return _offer(_catalogue(tx, unit, [definition]), definition, application)


def applications_of(
    tx: Transaction, enterprise_id: UUID, unit_id: UUID | None, definition_id: UUID
) -> Sequence[Application]:
    """Read where a definition is applied; a unit sees its own application only. Raises NotFound."""
    get_visible(tx, store.DEFINITIONS, enterprise_id, unit_id, definition_id)
    found = store.applications_of(tx.connection, enterprise_id, definition_id)
    return [one for one in found if unit_id in (None, one.business_unit_id)]


def _catalogue(tx: Transaction, unit: BusinessUnit, definitions: Collection[Definition]) -> _Catalogue:
    seen = unit.enterprise_id, unit.id
    bundles = get_bundles(tx, *seen, {one for each in definitions for one in each.bundle_ids})
    item_ids = {one for each in definitions for one in each.item_ids} | {
        one for each in bundles.values() for one in each.item_ids
    }
    items = get_items(tx, *seen, item_ids)
    taxes = rates_in(tx, *seen, {name for item in items.values() for name in item.taxes})
    classification_ids = {one.classification_id for one in definitions if one.classification_id}
    rules_ids = {one.agreement_rules_id for one in definitions if one.agreement_rules_id}
    return _Catalogue(
        unit,
        items,
        bundles,
        taxes,
        CLASSIFICATIONS.visible(tx.connection, *seen, classification_ids),
        AGREEMENT_RULES.visible(tx.connection, *seen, rules_ids),
    )


def _offer(catalogue: _Catalogue, definition: Definition, application: Application) -> Offer:
    parts = tuple(part for part in definition.parts if _is_active(catalogue, part))
    rules.check_sellable_parts(definition, parts, catalogue.bundles)
    classification = definition.classification_id and catalogue.classifications.get(definition.classification_id)
    return Offer(
        definition,
        application,
        classification.name if classification else "",
        catalogue.rules.get(definition.agreement_rules_id) if definition.agreement_rules_id else None,
        tuple(_part(catalogue, part) for part in parts),
    )


def _is_active(catalogue: _Catalogue, part: Part) -> bool:
    """Tell whether a part can be sold: it and all its items are active."""
    entries: Iterable[Item | Bundle | None]
    if part.bundle_id is not None:
        bundle = catalogue.bundles.get(part.bundle_id)
        entries = [bundle, *(catalogue.items.get(one) for one in (bundle.item_ids if bundle else ()))]
    else:
        entries = [catalogue.items.get(part.id)]
    return all(one is not None and one.active for one in entries)


def _part(catalogue: _Catalogue, part: Part) -> OfferedPart:
    if part.bundle_id is None:
        item = catalogue.items[part.id]
        offered = (_item(catalogue, item, 1, part.schedule, is_key_item=item.may_be_key),)
        term = item.term_months if part.billing not in (PERPETUAL, ONCE) else None
        return OfferedPart(part.id, item.name, None, part.required, part.billing, term, part.obligation_months, offered)
    bundle = catalogue.bundles[part.bundle_id]
    return OfferedPart(
        bundle.id,
        bundle.name,
        bundle.id,
        part.required,
        bundle.billing,
        term_months(bundle, catalogue.items),
        bundle.obligation_months,
        tuple(
            _item(
                catalogue,
                catalogue.items[line.item_id],
                line.quantity,
                line.schedule or bundle.schedule,
                is_key_item=line.is_key_item,
            )
            for line in bundle.lines
        ),
    )


def _item(catalogue: _Catalogue, item: Item, quantity: int, schedule: str, *, is_key_item: bool) -> OfferedItem:
    if item.currency != catalogue.unit.currency:
        raise _cannot_be_sold(
            "ITEM_CURRENCY",
            item,
            f"costs {item.currency}, but the business unit bills in {catalogue.unit.currency}; "
            "set what the unit charges for it",
        )
    missing = [name for name in item.taxes if name not in catalogue.taxes]
    if missing:
        raise _cannot_be_sold(
            "TAX_MISSING", item, f"has the tax {missing[0]!r}, for which the business unit has no rate; add one, even 0"
        )
    return OfferedItem(item, quantity, is_key_item, schedule, tuple(catalogue.taxes[name] for name in item.taxes))


def _cannot_be_sold(code: str, item: Item, words: str) -> FailedPrecondition:
    return FailedPrecondition(code, f"item: {item.name!r} {words}.", metadata={"field": "item", "item": item.name})
