"""Facts and their protos, both ways."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

from boss.events.agreements.v1 import agreements_events_pb2 as pb
from boss.events.arm.v1 import arm_events_pb2
from boss.events.billing.v1 import billing_events_pb2
from boss.events.notifications.v1 import notifications_events_pb2

from boss_agreements.agreements.rules import AgreementChanged
from boss_agreements.due_charges.commands import BILLED, REFUSED, ChargeAnswered
from boss_agreements.history.commands import FundingSourceChanged
from boss_agreements.history.rules import FundingState
from boss_agreements.member_statuses.commands import Purchase
from boss_agreements.members.commands import ContactInvalidated, ContactName, CycleOpened
from boss_agreements.members.rules import ADDRESS, EMAIL, PHONE, Contact, MemberChanged
from boss_agreements.organization.rules import BusinessUnitChanged
from boss_agreements.suspensions.rules import SuspensionEndChanged, SuspensionEnded, SuspensionStarted
from boss_kit import names
from boss_kit.events.envelope import OutgoingEvent
from boss_kit.rpc.convert import date_to_proto, money_to_proto

BUSINESS_UNIT_CHANGED = "boss.agreements.business_unit.v1.changed"
MEMBER_CHANGED = "boss.agreements.member.v1.changed"
AGREEMENT_CHANGED = "boss.agreements.agreement.v1.changed"
SUSPENSION_STARTED = "boss.agreements.suspension.v1.started"
SUSPENSION_END_CHANGED = "boss.agreements.suspension.v1.end_changed"
SUSPENSION_ENDED = "boss.agreements.suspension.v1.ended"
CHARGE_BILLED = "boss.billing.charge.v1.billed"
INVOICE_CREATED = "boss.billing.invoice.v1.created"
CHARGE_REFUSED = "boss.billing.charge.v1.refused"
FUNDING_SOURCE_CHANGED = "boss.billing.funding_source.v1.changed"
CONTACT_INVALIDATED = "boss.notifications.contact.v1.invalidated"
CYCLE_OPENED = "boss.arm.cycle.v1.opened"
CYCLE_CLOSED = "boss.arm.cycle.v1.closed"

ACCOUNT = "enterprises/{e}/businessUnits/{b}/accounts/{a}"
CONTACT = "enterprises/{e}/businessUnits/{b}/members/{m}/contacts/{c}"
_CONTACT_TYPES = {EMAIL: pb.Contact.TYPE_EMAIL, PHONE: pb.Contact.TYPE_PHONE, ADDRESS: pb.Contact.TYPE_ADDRESS}


def encode(fact: object) -> OutgoingEvent:
    """Write a fact for the outbox."""
    return _ENCODERS[type(fact)](fact)


def decode_charge_billed(data: bytes) -> ChargeAnswered:
    """Read that a charge is on an invoice."""
    message = billing_events_pb2.ChargeBilled.FromString(data)
    return ChargeAnswered(message.charge_key, BILLED, invoice=message.invoice)


def decode_invoice_created(data: bytes) -> Purchase | None:
    """Read that an account bought something outside an agreement; what an agreement bills, as nearly all, is none."""
    message = billing_events_pb2.InvoiceCreated.FromString(data)
    if message.agreement:
        return None
    ids = names.parse(ACCOUNT, message.account, "account")
    return Purchase(ids["e"], ids["a"])


def decode_charge_refused(data: bytes) -> ChargeAnswered:
    """Read that a charge won't be billed."""
    message = billing_events_pb2.ChargeRefused.FromString(data)
    return ChargeAnswered(message.charge_key, REFUSED, reason=message.reason)


def decode_funding_source_changed(data: bytes) -> FundingSourceChanged:
    """Read what a funding source was and is."""
    message = billing_events_pb2.FundingSourceChanged.FromString(data)
    return FundingSourceChanged(
        names.parse(ACCOUNT, message.account, "account")["a"],
        _funding_state(message.previous) if message.HasField("previous") else None,
        _funding_state(message.current) if message.HasField("current") else None,
        message.card_updater_outcome,
    )


def decode_contact_invalidated(data: bytes) -> ContactInvalidated:
    """Read that a contact turned out to be invalid."""
    message = notifications_events_pb2.ContactInvalidated.FromString(data)
    return ContactInvalidated(contact_name(message.contact, "contact"), message.reason)


def decode_cycle_opened(data: bytes) -> CycleOpened:
    """Read which contacts a cycle chose."""
    message = arm_events_pb2.CycleOpened.FromString(data)
    return CycleOpened(tuple(contact_name(name, "contacts") for name in message.contacts))


def decode_cycle_closed(data: bytes) -> str:
    """Read which cycle closed."""
    return arm_events_pb2.CycleClosed.FromString(data).cycle


def contact_name(name: str, field: str = "name") -> ContactName:
    """Read a contact's resource name. Raises InvalidArgument."""
    ids = names.parse(CONTACT, name, field)
    return ContactName(ids["e"], ids["b"], ids["m"], ids["c"])


def _funding_state(message: billing_events_pb2.FundingSourceState) -> FundingState:
    return FundingState(
        message.tender,
        message.last4,
        (message.expiry_month, message.expiry_year) if message.expiry_year else None,
        message.valid,
        message.active,
        message.on_account,
        message.recurring,
        message.responsibility_percent,
    )


@lru_cache(maxsize=4096)
def _unit_name(enterprise_id: UUID, unit_id: UUID) -> str:
    return f"enterprises/{enterprise_id}/businessUnits/{unit_id}"


def _business_unit_changed(fact: BusinessUnitChanged) -> OutgoingEvent:
    unit = fact.unit
    name = _unit_name(unit.enterprise_id, unit.id)
    message = pb.BusinessUnitChanged(
        business_unit=name,
        display_name=unit.display_name,
        time_zone=unit.time_zone,
        currency=unit.currency,
        division=f"enterprises/{unit.enterprise_id}/divisions/{unit.division_id}" if unit.division_id else "",
        settings=fact.settings,
    )
    return OutgoingEvent(
        BUSINESS_UNIT_CHANGED,
        unit.id,
        name,
        unit.enterprise_id,
        fact.business_date,
        message.SerializeToString(),
        unit.id,
        unit.version,
    )


def _member_changed(fact: MemberChanged) -> OutgoingEvent:
    member = fact.member
    unit = _unit_name(member.enterprise_id, member.business_unit_id)
    name = f"{unit}/members/{member.id}"
    message = pb.MemberChanged(
        member=name,
        account=f"{unit}/accounts/{member.account_id}",
        external_id=member.external_id,
        first_name=member.first_name,
        last_name=member.last_name,
        time_zone=member.time_zone,
        do_not_call=member.do_not_call,
        sms_opt_out=member.sms_opt_out,
        email_opt_out=member.email_opt_out,
        preferred_channel=member.preferred_channel,
        contacts=[_contact(name, contact) for contact in member.contacts],
    )
    return OutgoingEvent(
        MEMBER_CHANGED,
        member.id,
        name,
        member.enterprise_id,
        fact.business_date,
        message.SerializeToString(),
        member.business_unit_id,
        member.version,
    )


def _contact(member_name: str, contact: Contact) -> pb.Contact:
    return pb.Contact(
        contact=f"{member_name}/contacts/{contact.id}",
        type=_CONTACT_TYPES[contact.type],
        label=contact.label,
        value=contact.value,
        address_lines=contact.address_lines,
        primary=contact.primary,
        invalid=contact.invalid,
        arm_purpose=contact.arm_purpose,
        purposes=contact.purposes,
    )


def _agreement_changed(fact: AgreementChanged) -> OutgoingEvent:
    unit = _unit_name(fact.enterprise_id, fact.business_unit_id)
    name = f"{unit}/agreements/{fact.agreement_id}"
    message = pb.AgreementChanged(
        agreement=name,
        number=fact.number,
        account=f"{unit}/accounts/{fact.account_id}",
        member=f"{unit}/members/{fact.member_id}",
        display_name=fact.display_name,
        status=fact.status,
        price=money_to_proto(fact.price),
    )
    return OutgoingEvent(
        AGREEMENT_CHANGED,
        fact.account_id,
        name,
        fact.enterprise_id,
        fact.business_date,
        message.SerializeToString(),
        fact.business_unit_id,
        fact.version,
    )


def _suspension_started(fact: SuspensionStarted) -> OutgoingEvent:
    message = pb.SuspensionStarted(
        **_suspension_names(fact),
        type=fact.type,
        start_date=date_to_proto(fact.window.start),
        end_date=date_to_proto(fact.window.end),
        stop_billing=fact.stop_billing,
        reason=fact.reason,
    )
    return _of_account(SUSPENSION_STARTED, fact, message)


def _suspension_end_changed(fact: SuspensionEndChanged) -> OutgoingEvent:
    message = pb.SuspensionEndChanged(**_suspension_names(fact), end_date=date_to_proto(fact.end_date))
    return _of_account(SUSPENSION_END_CHANGED, fact, message)


def _suspension_ended(fact: SuspensionEnded) -> OutgoingEvent:
    message = pb.SuspensionEnded(**_suspension_names(fact), end_date=date_to_proto(fact.end_date))
    return _of_account(SUSPENSION_ENDED, fact, message)


_Suspension = SuspensionStarted | SuspensionEndChanged | SuspensionEnded


def _suspension_names(fact: _Suspension) -> dict[str, Any]:
    unit = _unit_name(fact.enterprise_id, fact.business_unit_id)
    return {
        "suspension": f"{unit}/suspensions/{fact.suspension_id}",
        "agreement": f"{unit}/agreements/{fact.agreement_id}" if fact.agreement_id else "",
        "account": f"{unit}/accounts/{fact.account_id}",
        "applied_to": fact.applied_to,
        "repeated": fact.repeated,
    }


def _of_account(
    kind: str, fact: _Suspension, message: pb.SuspensionStarted | pb.SuspensionEndChanged | pb.SuspensionEnded
) -> OutgoingEvent:
    return OutgoingEvent(
        kind,
        fact.account_id,
        message.suspension,
        fact.enterprise_id,
        fact.business_date,
        message.SerializeToString(),
        fact.business_unit_id,
    )


_ENCODERS: dict[type, Callable[[Any], OutgoingEvent]] = {
    BusinessUnitChanged: _business_unit_changed,
    MemberChanged: _member_changed,
    AgreementChanged: _agreement_changed,
    SuspensionStarted: _suspension_started,
    SuspensionEndChanged: _suspension_end_changed,
    SuspensionEnded: _suspension_ended,
}
