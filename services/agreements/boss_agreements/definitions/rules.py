"""What an agreement definition is (SPEC AGR-1; the text's "Adding an Agreement"). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.agreement_rules.rules import AgreementRules
from boss_agreements.agreements.rules import AGREEMENT_TYPES, BILLINGS, ONCE, PERPETUAL, TERM_MONTHS_MAX, Tax
from boss_agreements.bundles.rules import SCHEDULE_DEFAULT, Bundle, check_schedule
from boss_agreements.catalogue.rules import Entry, check_choice, check_order
from boss_agreements.items.rules import Item
from boss_kit.errors import FailedPrecondition, InvalidArgument

MEMBERSHIP, SERVICE_AGREEMENT = AGREEMENT_TYPES
SELECT_ONE, ONE_OR_MORE, OPTIONAL = "Select One", "One or More", "Optional"
REQUIRED = (SELECT_ONE, ONE_OR_MORE, OPTIONAL)


@dataclass(frozen=True)
class Part:
    """An item or a bundle of a definition and whether it has to be chosen.

    A bundle says itself how it bills; `billing`, `schedule` and `obligation_months` are for an item alone.
    """

    item_id: UUID | None = None
    bundle_id: UUID | None = None
    required: str = OPTIONAL
    billing: str = ONCE
    schedule: str = SCHEDULE_DEFAULT
    obligation_months: int = 0

    @property
    def id(self) -> UUID:
        """Give what it is chosen by: the id of its item or bundle."""
        found = self.bundle_id or self.item_id
        assert found is not None
        return found


@dataclass(frozen=True, kw_only=True)
class Definition(Entry):
    """An agreement that can be sold where it is applied; `agreement_rules_id` is what makes it renewable.

    With `prorates_first_days` a sale charges the days before a perpetual line's first bill date, if it bills on a day.
    """

    agreement_type: str
    classification_id: UUID | None = None
    start_date: date
    end_date: date | None = None
    owner_qualifies_as_member: bool = False
    barcode_required: bool = False
    online_only: bool = False
    manual_funding_source_allowed: bool = False
    qualified_members_only: bool = False
    tag: str = ""
    agreement_rules_id: UUID | None = None
    prorates_first_days: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def item_ids(self) -> tuple[UUID, ...]:
        """Give the items that are parts by themselves."""
        return tuple(part.item_id for part in self.parts if part.item_id is not None)

    @property
    def bundle_ids(self) -> tuple[UUID, ...]:
        """Give the bundles that are parts."""
        return tuple(part.bundle_id for part in self.parts if part.bundle_id is not None)


@dataclass(frozen=True)
class Application:
    """A definition applied to a business unit: it can be sold there from the start to the end, both included."""

    enterprise_id: UUID
    definition_id: UUID
    business_unit_id: UUID
    start_date: date
    end_date: date | None
    template_id: UUID


def check_definition(definition: Definition, items: Mapping[UUID, Item], bundles: Mapping[UUID, Bundle]) -> None:
    """Refuse a definition that contradicts itself (SPEC AGR-1). Raises InvalidArgument."""
    check_choice(definition.agreement_type, AGREEMENT_TYPES, "definition.agreement_type")
    check_order(definition.start_date, definition.end_date, "definition.end_date")
    for number, part in enumerate(definition.parts):
        _check_part(definition, part, f"definition.parts[{number}]", items, bundles)
    if len({part.id for part in definition.parts}) < len(definition.parts):
        raise InvalidArgument.field("definition.parts", "names an item or bundle twice.")


def with_bundle(definition: Definition, bundle_id: UUID, required: str, field: str) -> Definition:
    """Give a definition that has a bundle among its parts, with that required status. Raises InvalidArgument."""
    part = Part(bundle_id=bundle_id, required=required)
    _check_required(definition, part, field)
    parts = definition.parts
    if bundle_id not in definition.bundle_ids:
        return replace(definition, parts=(*parts, part))
    return replace(definition, parts=tuple(part if one.bundle_id == bundle_id else one for one in parts))


def check_sellable_parts(definition: Definition, parts: Sequence[Part], bundles: Mapping[UUID, Bundle]) -> None:
    """Refuse to sell what lacks its required part among its active ones (SPEC AGR-1). Raises FailedPrecondition.

    A Membership needs a bundle to select one of, each with a Key Item; a Service agreement an item of One or More.
    """
    needed, what = (SELECT_ONE, "bundle") if definition.agreement_type == MEMBERSHIP else (ONE_OR_MORE, "item")
    required = [part for part in parts if part.required == needed]
    if not required:
        raise _refused(
            definition, "REQUIRED_PART_MISSING", f"has no active {what} marked {needed!r}; add one", "definition.parts"
        )
    for part in required:
        bundle = bundles.get(part.bundle_id) if part.bundle_id else None
        if bundle is not None and not bundle.key_item_ids:
            raise _refused(
                definition, "KEY_ITEM_MISSING", f"has the bundle {bundle.name!r} without a Key Item", "definition.parts"
            )


def _check_part(
    definition: Definition, part: Part, field: str, items: Mapping[UUID, Item], bundles: Mapping[UUID, Bundle]
) -> None:
    if (part.item_id is None) == (part.bundle_id is None):
        raise InvalidArgument.field(field, "must name an item or a bundle, one of them.")
    if part.item_id is not None and part.item_id not in items:
        raise InvalidArgument.field(f"{field}.item", f"{part.item_id} is not an item here.", "ITEM_UNKNOWN")
    if part.bundle_id is not None and part.bundle_id not in bundles:
        raise InvalidArgument.field(f"{field}.bundle", f"{part.bundle_id} is not a bundle here.", "BUNDLE_UNKNOWN")
    _check_required(definition, part, f"{field}.required")
    if part.item_id is not None:
        _check_billing(part, field, items[part.item_id])


def _check_required(definition: Definition, part: Part, field: str) -> None:
    check_choice(part.required, REQUIRED, field)
    membership = definition.agreement_type == MEMBERSHIP
    if part.required == SELECT_ONE and (not membership or part.bundle_id is None):
        raise InvalidArgument.field(
            field, f"{SELECT_ONE!r} is for bundles of Membership agreements.", "REQUIRED_STATUS"
        )
    if part.required == ONE_OR_MORE and membership:
        raise InvalidArgument.field(field, f"{ONE_OR_MORE!r} is for Service agreements.", "REQUIRED_STATUS")


def _check_billing(part: Part, field: str, item: Item) -> None:
    check_choice(part.billing, BILLINGS, f"{field}.billing")
    check_schedule(part.schedule, f"{field}.schedule")
    if not 0 <= part.obligation_months <= TERM_MONTHS_MAX:
        raise InvalidArgument.field(f"{field}.obligation_months", f"must lie between 0 and {TERM_MONTHS_MAX}.")
    if part.billing not in (ONCE, PERPETUAL) and item.term_months is None:
        raise InvalidArgument.field(
            f"{field}.billing", f"is {part.billing}, but the item {item.name!r} has no term_months."
        )


@dataclass(frozen=True)
class OfferedItem:
    """An item of a part as a unit sells it, with the unit's taxes."""

    item: Item
    quantity: int
    is_key_item: bool
    schedule: str
    taxes: tuple[Tax, ...]


@dataclass(frozen=True)
class OfferedPart:
    """A part as a unit sells it; `term_months` is how long a fixed term lasts, `bundle` is empty for an item alone."""

    id: UUID
    name: str
    bundle_id: UUID | None
    required: str
    billing: str
    term_months: int | None
    obligation_months: int
    items: tuple[OfferedItem, ...]


@dataclass(frozen=True)
class Offer:
    """A definition as a unit sells it: everything a sale copies, so that later changes don't reach what is sold."""

    definition: Definition
    application: Application
    classification: str
    rules: AgreementRules | None
    parts: tuple[OfferedPart, ...]


def check_on_sale(definition: Definition, application: Application | None, today: date, *, online: bool) -> None:
    """Refuse what isn't applied to the unit, active and in date, or is for another channel (SPEC AGR-1).

    Raises FailedPrecondition.
    """
    if application is None:
        raise _refused(definition, "NOT_APPLIED_TO_UNIT", "isn't applied to this business unit; apply it first")
    if not definition.active:
        raise _refused(definition, "DEFINITION_INACTIVE", "isn't active; choose another or activate it")
    for start, end in (
        (definition.start_date, definition.end_date),
        (application.start_date, application.end_date),
    ):
        if today < start:
            raise _refused(definition, "NOT_ON_SALE_YET", f"is on sale from {start}; today is {today}")
        if end is not None and today > end:
            raise _refused(definition, "NO_LONGER_ON_SALE", f"was on sale to {end}; today is {today}")
    if definition.online_only and not online:
        raise _refused(definition, "ONLINE_ONLY", "is sold online only; send the member to the portal")


def check_buyer(definition: Definition, *, is_member: bool, barcode: str, manual_funding_source: bool) -> None:
    """Refuse a buyer who lacks what the definition asks for (SPEC AGR-4). Raises FailedPrecondition."""
    if definition.qualified_members_only and not is_member:
        raise _refused(
            definition, "QUALIFIED_MEMBERS_ONLY", "is for members only; sell a membership first", field="member"
        )
    if definition.barcode_required and not barcode.strip():
        raise _refused(definition, "BARCODE_REQUIRED", "needs a barcode; scan the member's card", field="barcode")
    if manual_funding_source and not definition.manual_funding_source_allowed:
        raise _refused(
            definition,
            "STATEMENT_BILLING_NOT_ALLOWED",
            "can't be billed by statement; choose a card or bank account",
            field="funding_source",
        )


def check_chosen(offer: Offer, quantities: Mapping[UUID, int]) -> None:
    """Refuse a choice of parts that the required statuses don't allow (SPEC AGR-1). Raises FailedPrecondition.

    Of the bundles to select one of at least one is chosen; of each item marked One or More at least one.
    """
    known = {part.id for part in offer.parts}
    unknown = sorted(part_id for part_id in quantities if part_id not in known)
    if unknown:
        raise _refused(offer.definition, "PART_NOT_OFFERED", f"doesn't offer {unknown[0]}", field="parts")
    chosen = {part_id for part_id, quantity in quantities.items() if quantity > 0}
    bundles = [part for part in offer.parts if part.required == SELECT_ONE]
    if bundles and not any(part.id in chosen for part in bundles):
        names = ", ".join(part.name for part in bundles)
        raise _refused(offer.definition, "SELECT_ONE_BUNDLE", f"needs at least one of {names}", field="parts")
    for part in offer.parts:
        if part.required == ONE_OR_MORE and part.id not in chosen:
            raise _refused(offer.definition, "ONE_OR_MORE", f"needs one or more of {part.name}", field="parts")


def _refused(definition: Definition, code: str, words: str, field: str = "definition") -> FailedPrecondition:
    return FailedPrecondition(
        code, f"{field}: {definition.name!r} {words}.", metadata={"field": field, "definition": definition.name}
    )
