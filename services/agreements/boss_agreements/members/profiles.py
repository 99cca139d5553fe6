"""What a member's profile may be, and who might be the same person (SPEC AGR-5). Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from boss_agreements.imports.contacts import parse_email, parse_phone
from boss_agreements.members.rules import (
    ADDRESS,
    CHANNELS,
    EMAIL,
    LABELS,
    PHONE,
    PURPOSES,
    TYPE_OF_LABEL,
    Contact,
    Member,
)
from boss_kit.days import parse_zone
from boss_kit.errors import AlreadyExists, InvalidArgument
from boss_kit.ids import derived_id

FIRST_BIRTH_YEAR = 1900
REQUIRED = {
    "email": "an email address",
    "phone": "a phone number",
    "address": "an address",
    "birth_date": "a birth date",
}


@dataclass(frozen=True)
class AskedContact:
    """A way to reach a member as it is asked for; `arm_purpose` here is a choice by hand."""

    label: str
    value: str
    address_lines: tuple[str, ...]
    primary: bool
    arm_purpose: bool
    purposes: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """Everything about a member that staff may change."""

    first_name: str
    last_name: str
    birth_date: date | None
    time_zone: str
    do_not_call: bool
    sms_opt_out: bool
    email_opt_out: bool
    preferred_channel: str
    notes: str
    contacts: tuple[AskedContact, ...]
    organization: bool


@dataclass(frozen=True)
class Candidate:
    """Somebody who might be the same person, and why."""

    business_unit_id: UUID
    member_id: UUID
    external_id: str
    organization: bool
    same_person: bool
    same_contact: bool

    def in_words(self) -> str:
        """Say who it is and why."""
        name = ("the same name" if self.organization else "the same name and birth date") if self.same_person else ""
        contact = "the same email or phone" if self.same_contact else ""
        return f"{self.external_id} ({' and '.join(filter(None, (name, contact)))})"


def with_profile(member: Member, profile: Profile, today: date) -> Member:
    """Give a member a profile. Raises InvalidArgument with the field that is wrong.

    A contact that stays as it was keeps its invalid mark; a new value clears it.
    """
    first, last = profile.first_name.strip(), profile.last_name.strip()
    if not last or not (first or profile.organization):
        raise InvalidArgument.field(f"member.{'first_name' if last else 'last_name'}", "is required.")
    born = profile.birth_date
    if profile.organization and (first or born):
        raise InvalidArgument.field(
            f"member.{'first_name' if first else 'birth_date'}", "isn't for an organization, which has a name only."
        )
    if born is not None and not date(FIRST_BIRTH_YEAR, 1, 1) <= born <= today:
        raise InvalidArgument.field("member.birth_date", f"{born} isn't between {FIRST_BIRTH_YEAR} and today.")
    parse_zone(profile.time_zone, "member.time_zone")
    if profile.preferred_channel not in ("", *CHANNELS):
        raise InvalidArgument.field("member.preferred_channel", f"must be one of {', '.join(CHANNELS)}, or empty.")
    return replace(
        member,
        first_name=first,
        last_name=last,
        birth_date=born,
        time_zone=profile.time_zone,
        do_not_call=profile.do_not_call,
        sms_opt_out=profile.sms_opt_out,
        email_opt_out=profile.email_opt_out,
        preferred_channel=profile.preferred_channel,
        notes=profile.notes,
        contacts=_contacts(member, profile.contacts),
        organization=profile.organization,
    )


def check_required(member: Member, required: Collection[str]) -> None:
    """Refuse a new member without what the unit requires. Raises InvalidArgument."""
    has = {one.type for one in member.contacts} | ({"birth_date"} if member.birth_date else set())
    asked = set(required) - ({"birth_date"} if member.organization else set())
    for field in sorted(asked - has):
        place = "member.birth_date" if field == "birth_date" else "member.contacts"
        raise InvalidArgument.field(place, f"this business unit requires {REQUIRED[field]}.", "REQUIRED_MEMBER_FIELD")


def reachable_at(member: Member) -> Sequence[str]:
    """Give the emails and phones that nobody else should have."""
    return sorted({one.value for one in member.contacts if one.type in (EMAIL, PHONE)})


def check_no_duplicates(candidates: Sequence[Candidate], enterprise_id: UUID) -> None:
    """Refuse somebody who seems to be there already, naming the candidates (SPEC AGR-5). Raises AlreadyExists."""
    if candidates:
        names = [
            f"enterprises/{enterprise_id}/businessUnits/{one.business_unit_id}/members/{one.member_id}"
            for one in candidates
        ]
        raise AlreadyExists(
            "DUPLICATE_MEMBER",
            f"member: might be {', '.join(one.in_words() for one in candidates)}; take that one, or allow duplicates.",
            metadata={"field": "member", "candidates": ",".join(names)},
        )


def _contacts(member: Member, asked: Sequence[AskedContact]) -> tuple[Contact, ...]:
    made = [_contact(member, one, f"member.contacts[{number}]") for number, one in enumerate(asked)]
    labels = [one.label for one in made]
    for label in labels:
        if labels.count(label) > 1:
            raise InvalidArgument.field("member.contacts", f"has two of the label {label!r}; each is there once.")
    made.sort(key=lambda one: LABELS.index(one.label))
    for kind in (EMAIL, PHONE, ADDRESS):
        of_type = [one for one in made if one.type == kind]
        for mark, words in (("primary", "primary"), ("arm_purpose", "the one for accounts receivable management")):
            if sum(getattr(one, mark) for one in of_type) > 1:
                raise InvalidArgument.field("member.contacts", f"only one {kind} can be {words}.")
        if of_type and not any(one.primary for one in of_type):
            first = of_type[0]
            made = [replace(one, primary=True) if one is first else one for one in made]
    return tuple(made)


def _contact(member: Member, asked: AskedContact, field: str) -> Contact:
    kind = TYPE_OF_LABEL.get(asked.label)
    if kind is None:
        raise InvalidArgument.field(f"{field}.label", f"{asked.label[:40]!r} is none of {', '.join(LABELS)}.")
    unknown = sorted(set(asked.purposes) - set(PURPOSES))
    if unknown:
        raise InvalidArgument.field(f"{field}.purposes", f"{unknown[0][:40]!r} is none of {', '.join(PURPOSES)}.")
    lines = tuple(line.strip() for line in asked.address_lines if line.strip())
    value = asked.value.strip()
    if kind == ADDRESS:
        if not lines or value:
            raise InvalidArgument.field(f"{field}.address_lines", "are required for an address, and a value isn't.")
    elif not value or lines:
        raise InvalidArgument.field(f"{field}.value", f"is required for an {kind}, and address lines aren't.")
    value = parse_email(value, f"{field}.value") if kind == EMAIL else parse_phone(value) if kind == PHONE else ""
    before = next((one for one in member.contacts if one.label == asked.label), None)
    same = before is not None and (before.value, before.address_lines) == (value, lines)
    return Contact(
        derived_id(member.id, "contact", asked.label),
        asked.label,
        value,
        lines,
        asked.primary,
        bool(same and before and before.invalid),
        asked.arm_purpose,
        asked.arm_purpose and not (before is not None and before.arm_purpose and not before.arm_purpose_by_hand),
        tuple(sorted(set(asked.purposes))),
    )
