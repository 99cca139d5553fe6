"""Members and import records, to and from protos."""

from boss.agreements.v1 import member_service_pb2 as pb

from boss_agreements.imports.commands import ALREADY_THERE, IMPORTED, REJECTED, Numbered, Result
from boss_agreements.imports.rules import FIELDS, Record
from boss_agreements.members.rules import ADDRESS, EMAIL, PHONE, Contact, Member
from boss_kit.rpc.convert import date_to_proto, time_to_proto

_TYPES = {EMAIL: pb.Contact.TYPE_EMAIL, PHONE: pb.Contact.TYPE_PHONE, ADDRESS: pb.Contact.TYPE_ADDRESS}
_OUTCOMES = {
    IMPORTED: pb.ImportResult.OUTCOME_IMPORTED,
    ALREADY_THERE: pb.ImportResult.OUTCOME_ALREADY_THERE,
    REJECTED: pb.ImportResult.OUTCOME_REJECTED,
}


def member(one: Member) -> pb.Member:
    """Write a member."""
    unit = f"enterprises/{one.enterprise_id}/businessUnits/{one.business_unit_id}"
    name = f"{unit}/members/{one.id}"
    return pb.Member(
        name=name,
        external_id=one.external_id,
        first_name=one.first_name,
        last_name=one.last_name,
        birth_date=date_to_proto(one.birth_date),
        time_zone=one.time_zone,
        account=f"{unit}/accounts/{one.account_id}",
        do_not_call=one.do_not_call,
        sms_opt_out=one.sms_opt_out,
        contacts=[_contact(name, contact) for contact in one.contacts],
        notes=one.notes,
        create_time=time_to_proto(one.create_time),
        etag=str(one.version),
    )


def numbered(record: pb.MemberRecord) -> Numbered:
    """Read a record of a club's file."""
    return Numbered(record.record, Record(*[getattr(record, name) for name in FIELDS]))


def result(one: Result) -> pb.ImportResult:
    """Write what became of a record."""
    return pb.ImportResult(
        record=one.number,
        external_id=one.external_id,
        outcome=_OUTCOMES[one.outcome],
        field=one.field,
        reason=one.reason,
    )


def _contact(member_name: str, contact: Contact) -> pb.Contact:
    return pb.Contact(
        name=f"{member_name}/contacts/{contact.id}",
        type=_TYPES[contact.type],
        label=contact.label,
        value=contact.value,
        address_lines=contact.address_lines,
        primary=contact.primary,
        invalid=contact.invalid,
        arm_purpose=contact.arm_purpose,
    )
