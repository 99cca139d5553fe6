"""Check definitions before they are saved, and apply them to business units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreement_rules.store import AGREEMENT_RULES
from boss_agreements.bundles.queries import get_bundles
from boss_agreements.catalogue.commands import check_owner
from boss_agreements.catalogue.queries import get_visible, not_found
from boss_agreements.catalogue.rules import EntryName, check_order
from boss_agreements.classifications.store import CLASSIFICATIONS
from boss_agreements.definitions import queries, rules, store
from boss_agreements.definitions.rules import Application, Definition
from boss_agreements.items.queries import get_items
from boss_agreements.organization.queries import get_unit
from boss_agreements.templates.store import TEMPLATES
from boss_kit.errors import InvalidArgument
from boss_kit.unit_of_work import Transaction


@dataclass(frozen=True)
class ApplyDefinition:
    """A definition to be applied to a unit; without a start it begins today."""

    enterprise_id: UUID
    business_unit_id: UUID
    definition_id: UUID
    start_date: date | None
    end_date: date | None
    template_id: UUID


def check_definition(tx: Transaction, definition: Definition) -> Definition:
    """Give a definition as it is kept; what it names is its owner's or the enterprise's. Raises InvalidArgument."""
    owner = definition.enterprise_id, definition.business_unit_id
    for field, shelf, entry_id in (
        ("classification", CLASSIFICATIONS, definition.classification_id),
        ("agreement_rules", AGREEMENT_RULES, definition.agreement_rules_id),
    ):
        if entry_id is not None and not shelf.visible(tx.connection, *owner, [entry_id]):
            raise InvalidArgument.field(f"definition.{field}", f"{entry_id} is not one of those here.")
    items, bundles = get_items(tx, *owner, definition.item_ids), get_bundles(tx, *owner, definition.bundle_ids)
    rules.check_definition(definition, items, bundles)
    return definition


def add_bundle(
    tx: Transaction, bundle_id: UUID, definitions: Sequence[EntryName], required: str
) -> Sequence[Definition]:
    """Add a bundle to definitions, all or none: the text's "Adding Agreements to a Bundle" (SPEC AGR-1).

    One that has it already gets the new required status. Raises NotFound, InvalidArgument, FailedPrecondition
    SHARED_ENTRY.
    """
    changed = {}
    for number, name in sorted(enumerate(definitions), key=lambda one: one[1].id):
        changed[name.id] = _add_bundle(tx, bundle_id, name, required, f"definitions[{number}]")
    return [changed[name.id] for name in definitions]


def _add_bundle(tx: Transaction, bundle_id: UUID, name: EntryName, required: str, field: str) -> Definition:
    before = store.DEFINITIONS.lock(tx.connection, name)
    if before is None:
        raise not_found(store.DEFINITIONS.noun, name.id)
    check_owner(store.DEFINITIONS.noun, before, name)
    if not get_bundles(tx, name.enterprise_id, name.business_unit_id, [bundle_id]):
        raise InvalidArgument.field(
            field, f"{before.name!r} doesn't see the bundle {bundle_id}: it is another's.", "BUNDLE_UNKNOWN"
        )
    after = rules.with_bundle(before, bundle_id, required, "required")
    if after == before:
        return before
    after = replace(check_definition(tx, after), version=before.version + 1)
    store.DEFINITIONS.save(tx.connection, after)
    return after


def apply_definition(tx: Transaction, command: ApplyDefinition) -> Application:
    """Apply a definition to a unit, which is all that lets the unit sell it (SPEC AGR-1).

    Raises NotFound, InvalidArgument, FailedPrecondition for a definition without its required part or of other money.
    """
    unit = get_unit(tx, command.enterprise_id, command.business_unit_id)
    definition = get_visible(tx, store.DEFINITIONS, unit.enterprise_id, unit.id, command.definition_id)
    get_visible(tx, TEMPLATES, unit.enterprise_id, unit.id, command.template_id)
    start = command.start_date or tx.today(unit.time_zone)
    check_order(start, command.end_date, "application.end_date")
    application = Application(unit.enterprise_id, definition.id, unit.id, start, command.end_date, command.template_id)
    queries.make_offer(tx, unit, definition, application)
    store.apply(tx.connection, application)
    return application
