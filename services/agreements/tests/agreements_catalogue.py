"""A catalogue to test with: what a club needs to sell a membership."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from agreements_club import ENTERPRISE, Club, day, usd
from boss.agreements.v1 import (
    agreement_rules_service_pb2,
    agreement_rules_service_pb2_grpc,
    bundle_service_pb2,
    bundle_service_pb2_grpc,
    classification_service_pb2,
    classification_service_pb2_grpc,
    definition_service_pb2,
    definition_service_pb2_grpc,
    group_service_pb2,
    group_service_pb2_grpc,
    item_service_pb2,
    item_service_pb2_grpc,
    location_service_pb2,
    location_service_pb2_grpc,
    promotion_service_pb2,
    promotion_service_pb2_grpc,
    reason_service_pb2,
    reason_service_pb2_grpc,
    request_reason_service_pb2,
    request_reason_service_pb2_grpc,
    tax_service_pb2,
    tax_service_pb2_grpc,
    template_service_pb2,
    template_service_pb2_grpc,
    work_role_service_pb2,
    work_role_service_pb2_grpc,
)
from google.protobuf.message import Message

ITEM, BUNDLE, DEFINITION = item_service_pb2.Item, bundle_service_pb2.Bundle, definition_service_pb2.Definition
CANCEL_REASON, SUSPENSION_REASON = reason_service_pb2.CancelReason, reason_service_pb2.SuspensionReason
PART, LINE = definition_service_pb2.DefinitionPart, bundle_service_pb2.BundleLine
TAX, TEMPLATE = tax_service_pb2.Tax, template_service_pb2.Template
GROUP, CLASSIFICATION = group_service_pb2.AgreementGroup, classification_service_pb2.Classification
REQUEST_REASON, WORK_ROLE = request_reason_service_pb2.RequestReason, work_role_service_pb2.WorkRole
LOCATION = location_service_pb2.Location
RULES, PROMOTION = agreement_rules_service_pb2.AgreementRules, promotion_service_pb2.Promotion

_PLACES: dict[str, tuple[Any, Any, str]] = {
    "Item": (item_service_pb2, item_service_pb2_grpc.ItemServiceStub, "item"),
    "Bundle": (bundle_service_pb2, bundle_service_pb2_grpc.BundleServiceStub, "bundle"),
    "Definition": (definition_service_pb2, definition_service_pb2_grpc.DefinitionServiceStub, "definition"),
    "CancelReason": (reason_service_pb2, reason_service_pb2_grpc.ReasonServiceStub, "cancel_reason"),
    "SuspensionReason": (reason_service_pb2, reason_service_pb2_grpc.ReasonServiceStub, "suspension_reason"),
    "Tax": (tax_service_pb2, tax_service_pb2_grpc.TaxServiceStub, "tax"),
    "Template": (template_service_pb2, template_service_pb2_grpc.TemplateServiceStub, "template"),
    "AgreementGroup": (group_service_pb2, group_service_pb2_grpc.AgreementGroupServiceStub, "agreement_group"),
    "Classification": (
        classification_service_pb2,
        classification_service_pb2_grpc.ClassificationServiceStub,
        "classification",
    ),
    "AgreementRules": (
        agreement_rules_service_pb2,
        agreement_rules_service_pb2_grpc.AgreementRulesServiceStub,
        "agreement_rules",
    ),
    "RequestReason": (
        request_reason_service_pb2,
        request_reason_service_pb2_grpc.RequestReasonServiceStub,
        "request_reason",
    ),
    "Location": (location_service_pb2, location_service_pb2_grpc.LocationServiceStub, "location"),
    "WorkRole": (work_role_service_pb2, work_role_service_pb2_grpc.WorkRoleServiceStub, "work_role"),
    "Promotion": (promotion_service_pb2, promotion_service_pb2_grpc.PromotionServiceStub, "promotion"),
}


@dataclass
class Catalogue:
    """The calls of the catalogue, for one caller; made at the club unless another parent is named."""

    club: Club
    token: str | None = None

    def stub(self, noun: str) -> Any:
        """Give a noun's stub."""
        kind = _PLACES[noun][1]
        return self.club.server.stub(kind, token=self.token) if self.token else self.club.server.stub(kind)

    def create(self, entry: Message, parent: str = "", request_id: str = "") -> Any:
        """Make an entry."""
        noun = entry.DESCRIPTOR.name
        pb, _, field = _PLACES[noun]
        values = {"parent": parent or self.club.unit, field: entry, "request_id": request_id or str(uuid4())}
        return getattr(self.stub(noun), f"Create{noun}")(getattr(pb, f"Create{noun}Request")(**values))

    def update(self, entry: Any, **values: Any) -> Any:
        """Replace an entry by itself with some values changed."""
        noun = entry.DESCRIPTOR.name
        pb, _, field = _PLACES[noun]
        asked = type(entry)()
        asked.CopyFrom(entry)
        for name in values:
            asked.ClearField(name)
        asked.MergeFrom(type(entry)(**values))
        request = getattr(pb, f"Update{noun}Request")(**{field: asked, "request_id": str(uuid4())})
        return getattr(self.stub(noun), f"Update{noun}")(request)

    def get(self, noun: str, name: str) -> Any:
        """Read an entry."""
        return getattr(self.stub(noun), f"Get{noun}")(getattr(_PLACES[noun][0], f"Get{noun}Request")(name=name))

    def item(self, display_name: str = "Club access", **values: Any) -> Any:
        """Make an item: monthly access at $35, if nothing else is said."""
        parent = values.pop("parent", "")
        usual = {"kind": "access", "price": usd(3500), "category": "Dues"}
        return self.create(ITEM(display_name=display_name, **(usual | values)), parent)

    def bundle(self, item: Any, display_name: str = "Gold", **values: Any) -> Any:
        """Make a bundle around a Key Item."""
        parent = values.pop("parent", "")
        usual = {"lines": [LINE(item=item.name, is_key_item=True)]}
        return self.create(BUNDLE(display_name=display_name, **(usual | values)), parent)

    def definition(self, *parts: Any, display_name: str = "Gold Monthly", **values: Any) -> Any:
        """Make a Membership definition."""
        parent = values.pop("parent", "")
        usual = {"agreement_type": "Membership", "start_date": day("2026-01-01"), "parts": parts}
        return self.create(DEFINITION(display_name=display_name, **(usual | values)), parent)

    def template(self, display_name: str = "Usual", **values: Any) -> Any:
        """Make a template."""
        parent = values.pop("parent", "")
        usual = {"title": "Agreement {{ agreement_number }}", "body": "{{ member_name }} agrees."}
        return self.create(TEMPLATE(display_name=display_name, **(usual | values)), parent)

    def membership(self, **values: Any) -> Any:
        """Make a Membership definition with a bundle of monthly access."""
        bundle = self.bundle(self.item())
        return self.definition(PART(bundle=bundle.name, required="Select One"), **values)

    def apply(self, definition: Any, template: Any = None, unit: str = "", **values: Any) -> Any:
        """Apply a definition to a unit, the club."""
        application = definition_service_pb2.Application(
            definition=definition.name,
            business_unit=unit or self.club.unit,
            template=(template or self.template()).name,
            **values,
        )
        return self.stub("Definition").ApplyDefinition(
            definition_service_pb2.ApplyDefinitionRequest(application=application, request_id=str(uuid4()))
        )

    def sellable(self, unit: str = "", *, online: bool = False) -> list[Any]:
        """List what a unit can sell today."""
        request = definition_service_pb2.ListSellableDefinitionsRequest(parent=unit or self.club.unit, online=online)
        return list(self.stub("Definition").ListSellableDefinitions(request).definitions)


SHARED = ENTERPRISE
"""The parent of what all units see."""
