"""Members and import records, to and from protos."""

from uuid import UUID

from boss.agreements.v1 import member_service_pb2 as pb

from boss_agreements.imports.commands import ALREADY_THERE, IMPORTED, REJECTED, Numbered, Result
from boss_agreements.imports.rules import FIELDS, Record
from boss_agreements.member_statuses.rules import PersonStatus
from boss_agreements.members.profiles import AskedContact, Profile
from boss_agreements.members.registration import CreateMember, UpdateMember
from boss_agreements.members.rules import ADDRESS, EMAIL, PHONE, Contact, Member
from boss_kit import names
from boss_kit.rpc.convert import date_from_proto, date_to_proto, time_to_proto

UNIT = "enterprises/{e}/businessUnits/{b}"
MEMBER = UNIT + "/members/{m}"
ACCOUNT = UNIT + "/accounts/{a}"

_TYPES = {EMAIL: pb.Contact.TYPE_EMAIL, PHONE: pb.Contact.TYPE_PHONE, ADDRESS: pb.Contact.TYPE_ADDRESS}
_OUTCOMES = {
    IMPORTED: pb.ImportResult.OUTCOME_IMPORTED,
    ALREADY_THERE: pb.ImportResult.OUTCOME_ALREADY_THERE,
    REJECTED: pb.ImportResult.OUTCOME_REJECTED,
}


def member(one: Member, status: PersonStatus) -> pb.Member:
    """Write a member and what the person is to the club."""
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
        status=status.status,
        status_reason=status.reason,
        email_opt_out=one.email_opt_out,
        preferred_channel=one.preferred_channel,
        organization=one.organization,
    )


def create_member(request: pb.CreateMemberRequest) -> CreateMember:
    """Read who shall be made."""
    unit, asked = names.parse(UNIT, request.parent, "parent"), request.member
    return CreateMember(
        unit["e"], unit["b"], asked.external_id, _account(asked), _profile(asked), request.allow_duplicates
    )


def update_member(request: pb.UpdateMemberRequest) -> UpdateMember:
    """Read what shall be changed."""
    asked = request.member
    ids = names.parse(MEMBER, asked.name, "member.name")
    return UpdateMember(ids["e"], ids["b"], ids["m"], asked.etag, asked.external_id, _account(asked), _profile(asked))


def _account(asked: pb.Member) -> UUID | None:
    return names.parse(ACCOUNT, asked.account, "member.account")["a"] if asked.account else None


def _profile(asked: pb.Member) -> Profile:
    return Profile(
        asked.first_name,
        asked.last_name,
        date_from_proto(asked.birth_date, "member.birth_date") if asked.HasField("birth_date") else None,
        asked.time_zone,
        asked.do_not_call,
        asked.sms_opt_out,
        asked.email_opt_out,
        asked.preferred_channel,
        asked.notes,
        tuple(
            AskedContact(
                one.label,
                one.value,
                tuple(one.address_lines),
                one.primary,
                one.arm_purpose,
                tuple(one.purposes),
            )
            for one in asked.contacts
        ),
        asked.organization,
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
        purposes=contact.purposes,
        arm_purpose_by_hand=contact.arm_purpose_by_hand,
    )
