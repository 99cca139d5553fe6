"""Members and the ways to reach them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

EMAIL, PHONE, ADDRESS = "email", "phone", "address"
TYPE_OF_LABEL = {
    "email": EMAIL,
    "work_email": EMAIL,
    "other_email": EMAIL,
    "cell": PHONE,
    "home": PHONE,
    "work": PHONE,
    "other_phone": PHONE,
    "address": ADDRESS,
    "work_address": ADDRESS,
    "billing_address": ADDRESS,
}
LABELS = tuple(TYPE_OF_LABEL)
"""Ways to reach a member, first choice first: the first one of a type there is, is the primary one."""
PURPOSES = ("Billing", "Emergency", "Marketing", "Notices")
CHANNELS = ("email", "phone", "letter")


@dataclass(frozen=True)
class Contact:
    """One way to reach a member.

    A phone's `value` is E.164 when the number is possible; else it stays as it was given, for the member's file, and
    the local check before a call denies it as an invalid number (SPEC NOT-4).
    """

    id: UUID
    label: str
    value: str
    address_lines: tuple[str, ...]
    primary: bool
    invalid: bool = False
    arm_purpose: bool = False
    arm_purpose_by_hand: bool = False
    purposes: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """Tell what kind of way it is: `email`, `phone` or `address`."""
        return TYPE_OF_LABEL[self.label]


@dataclass(frozen=True)
class Member:
    """A person, or an organization, with an account."""

    id: UUID
    enterprise_id: UUID
    business_unit_id: UUID
    external_id: str
    account_id: UUID
    first_name: str
    last_name: str
    birth_date: date | None
    time_zone: str
    do_not_call: bool
    sms_opt_out: bool
    notes: str
    version: int
    create_time: datetime
    contacts: tuple[Contact, ...]
    email_opt_out: bool = False
    preferred_channel: str = ""
    organization: bool = False


@dataclass(frozen=True)
class MemberChanged:
    """State: a member or a contact was made or changed."""

    member: Member
    business_date: date


def mark(member: Member, contact_id: UUID, *, invalid: bool) -> Member:
    """Set or clear a contact's invalid mark."""
    return _with_contacts(
        member, [replace(one, invalid=invalid) if one.id == contact_id else one for one in member.contacts]
    )


def mark_by_provider(member: Member, contact_ids: frozenset[UUID]) -> Member:
    """Mark contacts that a provider found invalid: never addresses (SPEC ARM-9)."""
    return _with_contacts(
        member,
        [
            replace(one, invalid=True) if one.id in contact_ids and one.type != ADDRESS else one
            for one in member.contacts
        ],
    )


def choose_for_arm(member: Member, contact_ids: frozenset[UUID]) -> Member:
    """Give contacts the ARM purpose, one per type, unless one of that type was chosen by hand (SPEC ARM-8)."""
    contacts = list(member.contacts)
    for kind in (EMAIL, PHONE, ADDRESS):
        of_type = [one for one in contacts if one.type == kind]
        chosen = next((one for one in of_type if one.id in contact_ids), None)
        if chosen is None or any(one.arm_purpose_by_hand for one in of_type):
            continue
        contacts = [replace(one, arm_purpose=one.id == chosen.id) if one.type == kind else one for one in contacts]
    return _with_contacts(member, contacts)


def choose_by_hand(member: Member, contact_id: UUID) -> Member:
    """Give a contact the ARM purpose by hand, the only one of its type; no cycle changes that (SPEC ARM-8)."""
    kind = next(one.type for one in member.contacts if one.id == contact_id)
    return _with_contacts(
        member,
        [
            replace(one, arm_purpose=one.id == contact_id, arm_purpose_by_hand=one.id == contact_id)
            if one.type == kind
            else one
            for one in member.contacts
        ],
    )


def changed(before: Member, after: Member) -> bool:
    """Tell whether anything but the version differs."""
    return replace(before, version=after.version) != after


def _with_contacts(member: Member, contacts: Sequence[Contact]) -> Member:
    return replace(member, contacts=tuple(contacts))
