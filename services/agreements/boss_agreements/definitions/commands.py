"""Check definitions before they are saved, and apply them to business units."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from boss_agreements.agreement_rules.store import AGREEMENT_RULES
from boss_agreements.bundles.queries import get_bundles
from boss_agreements.catalogue.queries import get_visible
from boss_agreements.catalogue.rules import check_order
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
