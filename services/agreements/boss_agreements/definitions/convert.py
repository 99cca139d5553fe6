"""Definitions, their applications and what can be sold, to and from protos."""

from boss.agreements.v1 import definition_service_pb2 as pb

from boss_agreements.agreements.rules import ONCE
from boss_agreements.bundles.convert import BUNDLES
from boss_agreements.bundles.rules import SCHEDULE_DEFAULT
from boss_agreements.catalogue.convert import UNIT, entry_of, given, header, id_of, name_at
from boss_agreements.catalogue.rules import Head
from boss_agreements.definitions.commands import ApplyDefinition
from boss_agreements.definitions.rules import OPTIONAL, Application, Definition, Offer, OfferedItem, OfferedPart, Part
from boss_agreements.definitions.store import Criteria
from boss_agreements.items.convert import ITEMS
from boss_agreements.taxes.rules import percent_text
from boss_kit import names
from boss_kit.errors import InvalidArgument
from boss_kit.rpc.convert import date_from_proto, date_to_proto, money_to_proto, optional_date_from_proto

DEFINITIONS = "definitions"
CLASSIFICATIONS = "classifications"
AGREEMENT_RULES = "agreementRules"
TEMPLATES = "templates"


def read_definition(message: pb.Definition, head: Head) -> Definition:
    """Read a definition."""
    return Definition(
        **given(head, message),
        agreement_type=message.agreement_type,
        classification_id=id_of(message.classification, CLASSIFICATIONS, "definition.classification"),
        start_date=date_from_proto(message.start_date, "definition.start_date"),
        end_date=optional_date_from_proto(message, "end_date"),
        owner_qualifies_as_member=message.owner_qualifies_as_member,
        barcode_required=message.barcode_required,
        online_only=message.online_only,
        manual_funding_source_allowed=message.manual_funding_source_allowed,
        qualified_members_only=message.qualified_members_only,
        tag=message.tag,
        agreement_rules_id=id_of(message.agreement_rules, AGREEMENT_RULES, "definition.agreement_rules"),
        prorates_first_days=message.prorates_first_days,
        parts=tuple(_read_part(part, f"definition.parts[{number}]") for number, part in enumerate(message.parts)),
    )


def write_definition(definition: Definition) -> pb.Definition:
    """Write a definition; what it is made of is named as its owner sees it."""
    owner = definition.enterprise_id, definition.business_unit_id
    return pb.Definition(
        **header(definition, DEFINITIONS),
        agreement_type=definition.agreement_type,
        classification=name_at(*owner, CLASSIFICATIONS, definition.classification_id),
        start_date=date_to_proto(definition.start_date),
        end_date=date_to_proto(definition.end_date),
        owner_qualifies_as_member=definition.owner_qualifies_as_member,
        barcode_required=definition.barcode_required,
        online_only=definition.online_only,
        manual_funding_source_allowed=definition.manual_funding_source_allowed,
        qualified_members_only=definition.qualified_members_only,
        tag=definition.tag,
        agreement_rules=name_at(*owner, AGREEMENT_RULES, definition.agreement_rules_id),
        prorates_first_days=definition.prorates_first_days,
        parts=[
            pb.DefinitionPart(
                item=name_at(*owner, ITEMS, part.item_id),
                bundle=name_at(*owner, BUNDLES, part.bundle_id),
                required=part.required,
                billing=part.billing if part.item_id else "",
                schedule=part.schedule if part.item_id else "",
                obligation_months=part.obligation_months,
            )
            for part in definition.parts
        ],
    )


def criteria(request: pb.ListDefinitionsRequest) -> Criteria:
    """Read what definitions are looked for."""
    return Criteria(
        request.display_name.strip(),
        request.agreement_type,
        id_of(request.classification, CLASSIFICATIONS, "classification"),
        id_of(request.bundle, BUNDLES, "bundle"),
    )


def apply_definition(request: pb.ApplyDefinitionRequest) -> ApplyDefinition:
    """Read what shall be applied where; only a business unit's name is accepted."""
    asked = request.application
    unit = names.parse(UNIT, asked.business_unit, "application.business_unit")
    return ApplyDefinition(
        unit["e"],
        unit["b"],
        entry_of(asked.definition, DEFINITIONS, "application.definition").id,
        optional_date_from_proto(asked, "start_date"),
        optional_date_from_proto(asked, "end_date"),
        entry_of(asked.template, TEMPLATES, "application.template").id,
    )


def application(one: Application) -> pb.Application:
    """Write where a definition is applied, all named as the unit sees it."""
    unit = one.enterprise_id, one.business_unit_id
    return pb.Application(
        definition=name_at(*unit, DEFINITIONS, one.definition_id),
        business_unit=names.format_name(UNIT, e=one.enterprise_id, b=one.business_unit_id),
        start_date=date_to_proto(one.start_date),
        end_date=date_to_proto(one.end_date),
        template=name_at(*unit, TEMPLATES, one.template_id),
    )


def offer(one: Offer) -> pb.SellableDefinition:
    """Write what can be sold, all named as the unit sees it."""
    definition, unit = one.definition, (one.application.enterprise_id, one.application.business_unit_id)
    return pb.SellableDefinition(
        definition=name_at(*unit, DEFINITIONS, definition.id),
        display_name=definition.name,
        agreement_type=definition.agreement_type,
        barcode_required=definition.barcode_required,
        online_only=definition.online_only,
        qualified_members_only=definition.qualified_members_only,
        parts=[_part(one.application, part) for part in one.parts],
        template=name_at(*unit, TEMPLATES, one.application.template_id),
    )


def _read_part(message: pb.DefinitionPart, field: str) -> Part:
    for name in ("billing", "schedule", "obligation_months"):
        if message.bundle and getattr(message, name):
            raise InvalidArgument.field(f"{field}.{name}", "is for an item alone; a bundle says itself how it bills.")
    return Part(
        id_of(message.item, ITEMS, f"{field}.item"),
        id_of(message.bundle, BUNDLES, f"{field}.bundle"),
        message.required or OPTIONAL,
        message.billing or ONCE,
        message.schedule or SCHEDULE_DEFAULT,
        message.obligation_months,
    )


def _part(at: Application, part: OfferedPart) -> pb.SellablePart:
    collection = BUNDLES if part.bundle_id else ITEMS
    return pb.SellablePart(
        choice=name_at(at.enterprise_id, at.business_unit_id, collection, part.id),
        display_name=part.name,
        required=part.required,
        billing=part.billing,
        term_months=part.term_months or 0,
        obligation_months=part.obligation_months,
        items=[_item(at, one) for one in part.items],
    )


def _item(at: Application, one: OfferedItem) -> pb.SellableItem:
    return pb.SellableItem(
        item=name_at(at.enterprise_id, at.business_unit_id, ITEMS, one.item.id),
        display_name=one.item.name,
        kind=one.item.kind,
        quantity=one.quantity,
        is_key_item=one.is_key_item,
        price=money_to_proto(one.item.price),
        taxes=[pb.TaxRate(display_name=tax.name, percent=percent_text(tax.percent)) for tax in one.taxes],
        schedule=one.schedule,
    )
