"""Reasons and their links, to and from protos."""

from collections.abc import Sequence

from boss.agreements.v1 import reason_service_pb2 as pb

from boss_agreements.catalogue.convert import entry_of, given, header, id_of, name_at, name_of, on_unless_said
from boss_agreements.catalogue.rules import EntryName, Head
from boss_agreements.items.convert import ITEMS
from boss_agreements.reasons.commands import Choice
from boss_agreements.reasons.queries import Linked
from boss_agreements.reasons.rules import (
    CANCEL,
    DAYS_MAX_DEFAULT,
    DAYS_MIN_DEFAULT,
    HOLD,
    SUSPENSION,
    CancelReason,
    SuspensionReason,
)

COLLECTIONS = {CANCEL: "cancelReasons", SUSPENSION: "suspensionReasons"}
DEFINITIONS = "definitions"


def read_cancel_reason(message: pb.CancelReason, head: Head) -> CancelReason:
    """Read a cancel reason."""
    return CancelReason(
        **given(head, message),
        agreements=on_unless_said(message, "agreements"),
        invoices=on_unless_said(message, "invoices"),
        rewrite=message.rewrite,
        admin_adjustment=message.admin_adjustment,
        refund=message.refund,
        no_refund=message.no_refund,
        immediate_allowed=on_unless_said(message, "immediate_allowed"),
        future_allowed=on_unless_said(message, "future_allowed"),
        prior_to_first_billing=message.prior_to_first_billing,
        keep_same_billing_schedule=message.keep_same_billing_schedule,
        approver_roles=tuple(message.approver_roles),
    )


def write_cancel_reason(reason: CancelReason) -> pb.CancelReason:
    """Write a cancel reason."""
    return pb.CancelReason(
        **header(reason, COLLECTIONS[CANCEL]),
        agreements=reason.agreements,
        invoices=reason.invoices,
        rewrite=reason.rewrite,
        admin_adjustment=reason.admin_adjustment,
        refund=reason.refund,
        no_refund=reason.no_refund,
        immediate_allowed=reason.immediate_allowed,
        future_allowed=reason.future_allowed,
        prior_to_first_billing=reason.prior_to_first_billing,
        keep_same_billing_schedule=reason.keep_same_billing_schedule,
        approver_roles=reason.approver_roles,
    )


def read_suspension_reason(message: pb.SuspensionReason, head: Head) -> SuspensionReason:
    """Read a suspension reason."""
    return SuspensionReason(
        **given(head, message),
        type=message.type or HOLD,
        must_start_on_key_item_bill_date=message.must_start_on_key_item_bill_date,
        days_min=message.days_min or DAYS_MIN_DEFAULT,
        days_max=message.days_max or DAYS_MAX_DEFAULT,
        open_ended=message.open_ended,
        approver_roles=tuple(message.approver_roles),
        stop_billing=message.stop_billing,
        freeze_charge_item_id=id_of(message.freeze_charge_item, ITEMS, "suspension_reason.freeze_charge_item"),
        recurring_charge_item_id=id_of(message.recurring_charge_item, ITEMS, "suspension_reason.recurring_charge_item"),
        prevent_activity_use=message.prevent_activity_use,
        extend_availability=message.extend_availability,
        extend_obligation_date=message.extend_obligation_date,
    )


def write_suspension_reason(reason: SuspensionReason) -> pb.SuspensionReason:
    """Write a suspension reason; its fees are named as its owner sees them."""
    owner = reason.enterprise_id, reason.business_unit_id
    return pb.SuspensionReason(
        **header(reason, COLLECTIONS[SUSPENSION]),
        type=reason.type,
        must_start_on_key_item_bill_date=reason.must_start_on_key_item_bill_date,
        days_min=reason.days_min,
        days_max=reason.days_max,
        open_ended=reason.open_ended,
        approver_roles=reason.approver_roles,
        stop_billing=reason.stop_billing,
        freeze_charge_item=name_at(*owner, ITEMS, reason.freeze_charge_item_id),
        recurring_charge_item=name_at(*owner, ITEMS, reason.recurring_charge_item_id),
        prevent_activity_use=reason.prevent_activity_use,
        extend_availability=reason.extend_availability,
        extend_obligation_date=reason.extend_obligation_date,
    )


def reason_of(name: str) -> tuple[str, EntryName]:
    """Read the name of a reason of either kind. Raises InvalidArgument."""
    kind = SUSPENSION if f"/{COLLECTIONS[SUSPENSION]}/" in name else CANCEL
    return kind, entry_of(name, COLLECTIONS[kind], "reason")


def read_choice(message: pb.LinkChoice, collection: str, field: str) -> Choice:
    """Read what shall be linked."""
    return Choice(frozenset(entry_of(name, collection, field).id for name in message.names), message.select_all)


def links(found: Sequence[Linked], collection: str) -> Sequence[pb.ReasonLink]:
    """Write what is linked and what could be."""
    return [
        pb.ReasonLink(
            name=name_of(one.entry, collection),
            display_name=one.entry.name,
            inactive=not one.entry.active,
            linked=one.linked,
        )
        for one in found
    ]


def reason_links(found: Sequence[Linked]) -> pb.ListDefinitionReasonsResponse:
    """Write a definition's reasons."""
    of_kind = {kind: [one for one in found if one.kind == kind] for kind in COLLECTIONS}
    return pb.ListDefinitionReasonsResponse(
        cancel_reasons=links(of_kind[CANCEL], COLLECTIONS[CANCEL]),
        suspension_reasons=links(of_kind[SUSPENSION], COLLECTIONS[SUSPENSION]),
    )


def definition_links(found: Sequence[Linked]) -> pb.ListReasonDefinitionsResponse:
    """Write a reason's definitions."""
    return pb.ListReasonDefinitionsResponse(definitions=links(found, DEFINITIONS))
